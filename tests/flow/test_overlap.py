"""What callers mean who say it in their own words."""

from __future__ import annotations

import pytest

from ivr.flow.languages import language_for
from ivr.flow.overlap import closest_meaning
from ivr.testing.conversation import CallScript
from tests.flow.dialogs import menu

pytestmark = pytest.mark.unit

ENGLISH = {
    "bill": ["my bill", "pay a bill"],
    "hours": ["opening hours"],
    "order": ["check an order", "where is my order"],
    "cancel": ["cancel an order"],
    "person": ["a person"],
}
GERMAN = {"rechnung": ["meine rechnung"], "zeiten": ["öffnungszeiten"], "termin": ["einen termin vereinbaren"]}


def meaning(text: str, tag: str = "en-US") -> str | None:
    found = closest_meaning(text, 0.9, ENGLISH if tag == "en-US" else GERMAN, language_for(tag))
    return found.meaning if found else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("i have a problem with an invoice", "bill"),
        ("my bills please", "bill"),
        ("when do you open", "hours"),
        ("could i talk to a human", "person"),
        ("i would like to cancel", "cancel"),
        ("checking on [unk] orders", "order"),
        ("an order", None),  # to check or to cancel?
        ("i don't want the bill", None),
        ("bananas", None),
        ("[unk]", None),
        ("", None),
    ],
)
def test_english(text: str, expected: str | None) -> None:
    assert meaning(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ich habe eine frage zu einer quittung", "rechnung"),
        ("wann haben sie geöffnet", "zeiten"),
        ("ich möchte termine machen", "termin"),
        ("keine rechnung", None),
        ("kuchen", None),
    ],
)
def test_german(text: str, expected: str | None) -> None:
    assert meaning(text, "de-DE") == expected


def test_confidence_is_that_of_something_to_confirm() -> None:
    found = closest_meaning("my bills", 1.0, ENGLISH, language_for("en-US"))
    assert found is not None and 0.35 <= found.confidence < 0.7


def test_what_a_certain_recognizer_hears_of_a_synonym_is_read_back() -> None:
    call = menu().listens()
    assert call.listening is not None
    call.is_heard(call.listening.listen_id, "technician", 1.0).hears("support")
    assert [note.outcome for note in call.record] == ["to_confirm"]


def test_a_language_without_stems_compares_words_as_they_are() -> None:
    from dataclasses import replace

    plain = replace(language_for("en-US"), stemmer="", synonyms=(), small_words=frozenset())
    found = closest_meaning("hours opening", 0.9, {"hours": ["opening hours"]}, plain)
    assert found is not None and found.meaning == "hours"


def _heard(text: str) -> CallScript:
    """What a recognizer without closed lists heard in a menu."""
    call = menu().listens()
    assert call.listening is not None
    return call.is_heard(call.listening.listen_id, text, 0.95)


def test_free_words_in_a_menu_are_asked_back() -> None:
    call = _heard("i need supporting technicians").hears("i understood").says("yes")
    call.hears("here is support")
    assert call.record[1].outcome == "confirmed"


def test_two_choices_in_one_sentence_are_no_answer() -> None:
    _heard("sales or support").hears("did not understand")


def test_a_command_in_other_words_is_none() -> None:
    _heard("agents everywhere").hears("did not understand")
