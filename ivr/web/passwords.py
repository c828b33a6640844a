"""Passwords: made, hashed with argon2id, compared."""

from __future__ import annotations

import secrets
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LEAST_LENGTH: Final = 10
MOST_LENGTH: Final = 200
"""Longer ones are refused before they cost time."""

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""OWASP's second choice for argon2id (19 MiB, 2 passes, 1 lane): one processor of a machine that carries calls."""


def hashed(password: str) -> str:
    """The hash to keep, with its salt and parameters in it."""
    return _HASHER.hash(password)


def matches(password: str, kept: str | None) -> bool:
    """Whether it is the password of a kept hash. Takes as long where there is none: names are not to be guessed."""
    try:
        return _HASHER.verify(kept or _nobodys(), password) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def new_password() -> str:
    """One that nobody guesses: 96 bits."""
    return secrets.token_urlsafe(12)


@cache
def _nobodys() -> str:
    return hashed(secrets.token_urlsafe(12))
