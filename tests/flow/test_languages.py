"""What every language must have."""

from __future__ import annotations

import pytest

from ivr.flow.grammar import spoken_digits, spoken_number
from ivr.flow.languages import LANGUAGES, language_for
from ivr.flow.speaking import number
from ivr.flow.templates import render

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("tag", LANGUAGES)
def test_every_number_word_is_read(tag: str) -> None:
    language = LANGUAGES[tag]
    for word, key in language.digits.items():
        assert spoken_digits(word, language) == key
    fillers = {"and", "und", "a", "ein", "eine", "million", "millionen"}
    for word in set(language.number_words) - fillers:
        assert spoken_number(word, language) is not None, word


@pytest.mark.parametrize("value", [0, 7, 12, 20, 21, 99, 100, 105, 342, 1000, 2026, 40017, 123456])
def test_english_numbers_that_we_say_are_numbers_that_we_hear(value: int) -> None:
    assert spoken_number(number("en", value), LANGUAGES["en"]) == value


@pytest.mark.parametrize("tag", LANGUAGES)
def test_yes_and_no_are_different_words(tag: str) -> None:
    assert not set(LANGUAGES[tag].yes) & set(LANGUAGES[tag].no)


@pytest.mark.parametrize("tag", LANGUAGES)
def test_confirm_prompt_reads_the_answer_back(tag: str) -> None:
    assert "4 2" in render(LANGUAGES[tag].confirm_prompt, {"heard": "4 2"}, tag)


def test_a_region_finds_its_language_and_an_unknown_one_english() -> None:
    assert language_for("de-AT") is LANGUAGES["de"]
    assert language_for("xx") is LANGUAGES["en"]
