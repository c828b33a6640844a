"""Where long texts are divided."""

from __future__ import annotations

import pytest

from ivr.flow.segments import Pause, SoundFile, Speech
from ivr.speech.sentences import LONG_CHARACTERS, SENTENCE_PAUSE, parts_of, sentences_of

pytestmark = pytest.mark.unit

DIVIDED = [
    ("en", ["Dr. Smith paid 3.5 euros to Acme Inc. on Jan. 5.", "He left at 5 p.m. with her.", "Is it all right now?"]),
    ("en-GB", ["Your balance is 12.50 pounds!", "Your number is 1 2, 3 4, i.e. the old one."]),
    ("de", ["Wir haben z. B. 3,5 Liter da, d. h. sehr viel.", "Am 3. Oktober ist leider geschlossen."]),
    ("de-DE", ["Dr. Meier kommt ca. um 12.30 Uhr zu Ihnen.", "Nr. 5 ist dann wieder für Sie frei."]),
]  # fmt: skip


@pytest.mark.parametrize(("language", "sentences"), DIVIDED, ids=[language for language, _ in DIVIDED])
def test_abbreviations_and_numbers_end_no_sentence(language: str, sentences: list[str]) -> None:
    assert sentences_of(" ".join(sentences), language) == sentences


def test_a_short_sentence_stays_with_its_neighbour() -> None:
    assert sentences_of("Hello. Your order is on its way to you. Bye.", "en") == [
        "Hello. Your order is on its way to you. Bye."
    ]
    assert sentences_of("Yes. No.", "en") == ["Yes. No."]


def test_a_language_without_rules_of_its_own_is_divided_too() -> None:
    assert len(sentences_of("Aaaa bbbb cccc dddd eeee. Ffff gggg hhhh iiii jjjj.", "xx")) == 2


def test_nothing_of_a_text_is_lost() -> None:
    text = "One and two and three. Four and five and six! Seven, eight; nine? Ten"
    assert " ".join(sentences_of(text, "en")) == text


LONG = Speech("Your order has left our house today. It will be with you tomorrow at noon. Please be at home.", "en")


def test_a_long_text_is_heard_in_parts_with_pauses_between() -> None:
    first, second = parts_of(LONG)[0], parts_of(LONG)[-1]
    assert len(LONG.text) > LONG_CHARACTERS
    assert first == (Speech("Your order has left our house today.", "en"), SENTENCE_PAUSE)
    assert len(second) == 1, "no pause behind the last"


@pytest.mark.parametrize(
    "segment",
    [Speech("Short text. In two sentences.", "en"), Speech("word " * 40, "en"), Pause(0.3), SoundFile("x.wav")],
)
def test_what_is_short_or_one_sentence_or_no_text_is_one_part(segment: Speech | Pause | SoundFile) -> None:
    assert parts_of(segment) == ((segment,),)


def test_parts_of_a_sensitive_text_are_sensitive() -> None:
    parts = parts_of(Speech(LONG.text, "en", is_sensitive=True))
    assert all(piece.is_sensitive for part in parts for piece in part if isinstance(piece, Speech))
