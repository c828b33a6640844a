"""The real pronunciations of espeak-ng."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from ivr.speech.pronunciation import Pronouncer

pytestmark = pytest.mark.adapter


@pytest.fixture
def pronouncer() -> Iterator[Pronouncer]:
    made = Pronouncer()
    yield made
    made.close()


def test_words_of_one_pronunciation_are_equal_whatever_their_stress_and_spelling(pronouncer: Pronouncer) -> None:
    assert pronouncer.problem() is None
    sounds = pronouncer("en-US", ["mail", "male", "sales", "two", "to", "my order"])
    assert sounds["mail"] == sounds["male"] == "meɪl"
    assert sounds["two"] == sounds["to"]
    assert sounds["sales"] == "seɪlz"
    assert " " not in sounds["my order"]


def test_each_language_has_its_own(pronouncer: Pronouncer) -> None:
    assert pronouncer("de-DE", ["mehr", "meer"])["mehr"] == pronouncer("de-DE", ["meer"])["meer"]
    assert pronouncer("de-DE", ["die"]) != pronouncer("en-US", ["die"])


def test_a_language_without_a_voice_has_none(pronouncer: Pronouncer) -> None:
    assert pronouncer("xx-XX", ["mail"]) == {}


def test_nothing_is_asked_twice(pronouncer: Pronouncer) -> None:
    first = pronouncer("en-US", ["mail"])
    pronouncer.close()
    assert pronouncer("en-US", ["mail", "male"]) == first


def test_a_helper_that_cannot_work_is_told_and_pronounces_nothing() -> None:
    answer = '{"ok": false, "reason": "no library; install it"}'
    broken = Pronouncer([sys.executable, "-I", "-S", "-c", f"print('{answer}', flush=True); input()"])
    assert broken.problem() == "no library; install it"
    assert broken("en-US", ["mail"]) == {}
    broken.close()
    gone = Pronouncer([sys.executable, "-I", "-S", "-c", ""])
    assert "helper process of espeak-ng failed" in str(gone.problem())
    gone.close()
