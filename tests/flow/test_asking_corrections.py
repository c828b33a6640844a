"""A caller corrects the answer that is read back, as dialogs."""

from __future__ import annotations

import pytest

from ivr.flow.state import Phase
from ivr.testing.conversation import CallScript
from tests.flow.dialogs import answer, ask, ask_text, menu

pytestmark = pytest.mark.unit


def test_no_and_a_new_value_is_confirmed_in_its_turn() -> None:
    call = ask("date", confirm="always").says("friday").hears("Friday, November 27th").says("no tuesday")
    call.hears("I understood Tuesday, November 24th. Is that right?").says("yes").hears("thank you")
    assert answer(call) == "2026-11-24"
    assert [note.outcome for note in call.record][:3] == ["to_confirm", "corrected", "confirmed"]
    assert (call.record[1].heard, call.record[1].meaning) == ("no tuesday", "Tuesday, November 24th")


@pytest.mark.parametrize(
    ("kind", "said", "correction", "expected"),
    [
        ("date", "friday", "no i mean tuesday", "2026-11-24"),
        ("date", "friday", "tuesday", "2026-11-24"),
        ("date", "friday", "that's wrong make it tuesday", "2026-11-24"),
        ("date", "friday", "no no on tuesday please", "2026-11-24"),
        ("time", "eight p m", "nope nine p m", "21:00"),
        ("amount", "ten dollars", "no twelve dollars", 12.0),
        ("number", "four", "no five", 5),
        ("rating", "four", "nah five", 5),
    ],
)
def test_corrections(kind: str, said: str, correction: str, expected: object) -> None:
    call = ask(kind, confirm="always").says(said).hears("is that right").says(correction).hears("is that right")
    assert answer(call.says("yes").hears("thank you")) == expected


def test_corrected_digits_are_taken_whole() -> None:
    call = ask("digits", length="4", confirm="always").says("four seven one three").hears("is that right")
    call.says("no four seven one two").hears("4 7, 1 2").says("that's right").hears("thank you")
    assert answer(call) == "4712"


def test_part_of_the_digits_is_a_plain_no() -> None:
    call = ask("digits", length="4", confirm="always").says("four seven one three").hears("is that right")
    call.says("no one two").hears("What is it?")
    assert [note.outcome for note in call.record] == ["to_confirm", "denied"]


def test_a_correction_in_german() -> None:
    text = ask_text("date", confirm="always").replace("language: en-US", "language: de-DE")
    call = CallScript(text).offered().says("Freitag").hears("Freitag").says("nein, Dienstag").hears("Dienstag")
    assert answer(call.says("genau").hears("thank you")) == "2026-11-24"


def test_a_choice_is_corrected_by_its_words() -> None:
    choices = '{red: {keys: "1", say: [red]}, blue: {keys: "2", say: [blue]}}'
    call = ask("choice", choices=choices, confirm="always").says("red").hears("red").says("no blue").hears("blue")
    assert answer(call.says("yes").hears("thank you")) == "blue"


def test_the_same_value_again_says_yes_and_with_a_no_it_says_no() -> None:
    call = ask("date", confirm="always").says("friday").hears("is that right").says("yes friday").hears("thank you")
    assert answer(call) == "2026-11-27"
    ask("date", confirm="always").says("friday").hears("is that right").says("no not friday").hears("What is it?")


def test_yes_and_another_value_is_unclear() -> None:
    ask("date", confirm="always").says("friday").hears("is that right").says("yes tuesday").hears("is that right")


def test_a_value_that_is_not_allowed_is_a_plain_no() -> None:
    call = ask("date", confirm="always", earliest="today").says("friday").hears("is that right")
    call.says("no yesterday").hears("What is it?")


def test_no_and_something_that_is_no_value_is_a_plain_no() -> None:
    ask("date", confirm="always").says("friday").hears("is that right").says("no third third").hears("What is it?")


def test_a_correction_that_was_heard_badly_changes_nothing() -> None:
    call = ask("date", confirm="always").says("friday").hears("Friday").says("no tuesday", 0.2).hears("Friday")
    assert call.state.phase is Phase.LISTENING


def test_commands_stay_active_while_an_answer_is_confirmed() -> None:
    ask("date", confirm="always").says("friday").hears("is that right").says("agent").hears("an agent it is")


def test_a_command_that_is_confirmed_is_not_corrected_by_a_value() -> None:
    call = ask("date").says("agent", 0.5).hears("agent").says("no friday").hears("What is it?")
    assert answer(call) is None


def test_a_menu_is_corrected_by_the_words_of_its_choices() -> None:
    menu(confirm="always").says("sales").hears("sales").says("no support").hears("support").says("yes").hears("Here is")
