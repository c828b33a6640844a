"""What an utterance means against a list of phrases; digits and numbers in words."""

from __future__ import annotations

import pytest

from ivr.flow.grammar import (
    Band,
    band,
    digit_words,
    match_phrases,
    normalized,
    phrase_list,
    spoken_digits,
    spoken_number,
)
from ivr.flow.languages import language_for

pytestmark = pytest.mark.unit

EN, DE = language_for("en-US"), language_for("de")
MEANINGS = {"bill": ("bill", "my bill"), "order": ("order", "order status"), "yes": EN.yes, "no": EN.no}


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("my bill", "bill"),
        ("My Bill!", "bill"),
        ("uh the bill please", "bill"),
        ("order status", "order"),
        ("order order", "order"),
        ("no thanks", "no"),
        ("that’s right", "yes"),
        ("not right", "no"),
        ("that's not right", "no"),
        ("bill order", None),
        ("yes no", None),
        ("[unk]", None),
        ("weather", None),
        ("", None),
    ],
)
def test_meaning(text: str, meaning: str | None) -> None:
    found = match_phrases(text, 1.0, MEANINGS)
    assert (found.meaning if found else None) == meaning


def test_unknown_speech_around_a_phrase_makes_it_doubtful() -> None:
    plain, doubtful = match_phrases("bill", 1.0, MEANINGS), match_phrases("[unk] bill [unk]", 1.0, MEANINGS)
    assert plain is not None and doubtful is not None
    assert plain.confidence == 1.0
    assert doubtful.confidence == pytest.approx(0.85**2)


def test_an_empty_phrase_matches_nothing() -> None:
    assert match_phrases("bill", 1.0, {"odd": ("", "...")}) is None


@pytest.mark.parametrize(
    ("confidence", "expected"), [(0.7, Band.ACCEPT), (0.69, Band.CONFIRM), (0.35, Band.CONFIRM), (0.34, Band.REJECT)]
)
def test_bands(confidence: float, expected: Band) -> None:
    assert band(confidence, 0.7, 0.35) is expected


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("one two double five", "1255"),
        ("triple seven oh", "7770"),
        ("twelve thirty four", "1234"),
        ("oh three", "03"),
        ("five hundred", "500"),
        ("twenty five", "25"),
        ("double twelve", None),
        ("double", None),
        ("one two please", None),
        ("a", None),
        ("and", None),
        ("", None),
        ("[unk] one", "1"),
    ],
)
def test_english_digits(text: str, digits: str | None) -> None:
    assert spoken_digits(text, EN) == digits


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("eins zwo drei", "123"),
        ("doppel fünf", "55"),
        ("einundzwanzig", "21"),
        ("zwei fünf und zwanzig", "225"),
        ("eine", None),
    ],
)
def test_german_digits(text: str, digits: str | None) -> None:
    assert spoken_digits(text, DE) == digits


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("one hundred and five", 105),
        ("a hundred", 100),
        ("two thousand and twenty six", 2026),
        ("nineteen hundred", 1900),
        ("one million two hundred thousand and one", 1200001),
        ("twenty five", 25),
        ("double five", 55),
        ("one oh five", 105),
        ("zero", 0),
        ("thousand hundred hundred", 1100100),
        ("five about", None),
        ("about five", None),
        ("", None),
        ("a", None),
    ],
)
def test_english_numbers(text: str, number: int | None) -> None:
    assert spoken_number(text, EN) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("zwei hundert fünf", 205),
        ("ein hundert", 100),
        ("eine million zwei", 1000002),
        ("fünf und zwanzig", 25),
        ("drei tausend vier hundert", 3400),
        ("einundvierzig", 41),
        ("eins zwei", 12),
        ("ein", None),
        ("und", None),
        ("etwa fünf", None),
    ],
)
def test_german_numbers(text: str, number: int | None) -> None:
    assert spoken_number(text, DE) == number


def test_words_to_listen_for_hold_digits_repeats_and_numbers() -> None:
    words = digit_words(EN)
    assert {"oh", "one", "double", "hundred", "and"} <= set(words)
    assert len(words) == len(set(words))


def test_a_closed_list_has_no_doubles_and_the_recognizers_form() -> None:
    assert phrase_list([("My Bill", "order"), ("my bill!",)]) == ("my bill", "order")


def test_normalized_keeps_apostrophes_and_marks_of_unknown_speech() -> None:
    assert normalized("That’s  ME, [unk] twenty-one.") == "that's me [unk] twenty one"
