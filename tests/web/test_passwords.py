"""Passwords are kept as hashes that tell nothing."""

from __future__ import annotations

import pytest

from ivr.web.passwords import LEAST_LENGTH, hashed, matches, new_password

pytestmark = pytest.mark.unit


def test_a_hash_is_matched_by_its_password_only() -> None:
    kept = hashed("correct horse battery")
    assert kept.startswith("$argon2id$") and "correct" not in kept
    assert matches("correct horse battery", kept)
    assert not matches("correct horse batterz", kept)


def test_no_password_is_that_of_nobody_or_of_a_broken_row() -> None:
    assert not matches("", None)
    assert not matches("anything", "not a hash")


def test_new_passwords_are_long_and_never_the_same() -> None:
    made = {new_password() for _ in range(50)}
    assert len(made) == 50 and all(len(password) > LEAST_LENGTH for password in made)
