"""When the words so far are a whole answer: in menus, in entries of digits, and where more may follow."""

from __future__ import annotations

import pytest

from ivr.flow.completeness import Expected, completeness
from ivr.flow.languages import language_for
from ivr.flow.turn import Completeness
from ivr.testing.conversation import CallScript
from tests.flow.dialogs import ask, menu, offered

pytestmark = pytest.mark.unit

COMPLETE, OPEN, INCOMPLETE = Completeness.COMPLETE, Completeness.OPEN, Completeness.INCOMPLETE
COMMANDS = '  leave: {keys: "#", say: [to leave], go: bye}\n  agent: {keys: "*", say: [agent], go: bye}\n'


def judged(call: CallScript, *said: str) -> Completeness:
    """What the last of some utterances is, the ones before having ended."""
    call.listens()
    listening = call.listening
    assert listening is not None and listening.expected is not None
    expected, language = listening.expected, language_for(listening.language)
    for text in said[:-1]:
        expected = expected.after(text, language)
    return completeness(expected, said[-1], language)


@pytest.mark.parametrize(
    ("text", "is_what"),
    [
        ("sales", COMPLETE),
        ("support", COMPLETE),
        ("technical support", COMPLETE),
        ("agent", COMPLETE),
        ("technical", INCOMPLETE),
        ("go", INCOMPLETE),
        ("[unk]", OPEN),
        ("[unk] sales", OPEN),
        ("sales [unk]", OPEN),
        ("sales support", OPEN),
        ("", OPEN),
    ],
)
def test_menu(text: str, is_what: Completeness) -> None:
    assert judged(menu(), text) is is_what


def test_a_phrase_that_begins_another_meaning_is_open() -> None:
    choices = '{call: {keys: "1", say: [call]}, forward: {keys: "2", say: [call forwarding, forward, forward it]}}'
    assert judged(ask("choice", choices=choices), "call") is OPEN
    assert judged(ask("choice", choices=choices), "call forwarding") is COMPLETE
    assert judged(ask("choice", choices=choices), "forward") is COMPLETE


def test_a_word_that_sounds_like_the_beginning_of_another_phrase_is_open() -> None:
    choices = '{two: {keys: "2", say: [two]}, leave: {keys: "3", say: [to leave]}}'
    assert judged(ask("choice", choices=choices), "two") is OPEN
    assert judged(ask("digits", length="1", commands=COMMANDS), "two") is OPEN
    assert judged(ask("digits", length="1", commands=COMMANDS), "three") is COMPLETE


@pytest.mark.parametrize(
    ("text", "is_what"),
    [
        ("one", INCOMPLETE),
        ("one two three", INCOMPLETE),
        ("one two three four five six", COMPLETE),
        ("one two three double", INCOMPLETE),
        ("one two three four double six", COMPLETE),
        ("twelve thirty four fifty six", COMPLETE),
        ("twelve thirty four fifty", OPEN),  # "fifty six" has six digits as well
        ("one two three four five six seven", OPEN),
        ("agent", COMPLETE),
        ("one agent", OPEN),
    ],
)
def test_six_digits(text: str, is_what: Completeness) -> None:
    assert judged(ask("digits", length="6", commands=COMMANDS), text) is is_what


def test_digits_of_earlier_utterances_count() -> None:
    call = ask("digits", length="6")
    assert judged(call, "one two three", "four five") is INCOMPLETE
    assert judged(call, "one two three", "four five six") is COMPLETE
    assert judged(call, "one two three", "four five six", "one two three") is INCOMPLETE
    assert judged(call.says("one two three"), "four five six") is INCOMPLETE  # the listening began before them


def test_an_entry_of_open_length_may_go_on_until_it_is_full() -> None:
    call = ask("digits", min_length="3", max_length="5")
    assert [judged(call, text) for text in ("one two", "one two three", "one two three four five")] == [
        INCOMPLETE, OPEN, COMPLETE,
    ]  # fmt: skip


def test_yes_and_no_are_whole_but_a_no_that_may_be_followed_by_what_is_right() -> None:
    assert judged(ask("yes_no"), "no") is COMPLETE
    assert judged(ask("yes_no"), "yes") is COMPLETE
    confirming = ask("digits", length="2", confirm="always").says("one two")
    assert judged(confirming, "yes") is COMPLETE
    assert judged(confirming, "no") is OPEN


@pytest.mark.parametrize("kind", ["number", "date", "time", "amount", "phone", "rating"])
def test_values_of_many_words_are_open_and_commands_are_whole(kind: str) -> None:
    call = ask(kind, commands=COMMANDS)
    assert judged(call, "five") is OPEN
    assert judged(call, "agent") is COMPLETE


def test_free_speech_is_never_known_to_be_whole() -> None:
    call = ask("free").listens()
    assert call.listening is not None and call.listening.expected is None


def test_digits_are_not_in_the_text_of_what_is_expected() -> None:
    assert "4711" not in repr(Expected(digits="4711"))


def test_german_digits() -> None:
    flow = "flow: t\nlanguage: de-DE\nstart: q\nsteps:\n"
    call = offered(flow + '  q: {ask: digits, prompt: "Nummer?", length: 4, into: v}\n')
    assert judged(call, "zwölf zwanzig") is COMPLETE  # in German the unit comes first
    assert judged(call, "eins zwei drei") is INCOMPLETE
