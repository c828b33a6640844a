"""Fields of a form that are special: choices out of data, of which there may be none, and free speech."""

from __future__ import annotations

import pytest

from ivr.flow.loader import load_flow
from ivr.rehearsal.exits import exits_of
from ivr.testing.conversation import CallScript
from tests.flow.checking import problems_of_text

pytestmark = pytest.mark.unit

COMPLAINT = """
flow: complaint
language: en-US
start: complain
variables: {orders: [red shoes, blue hat]}
commands: {agent: {keys: "0", say: [agent], go: office}, again: {say: [repeat], go: repeat}}
defaults: {failed: sorry}
steps:
  complain:
    form:
      fields:
        day: {ask: date, prompt: "When was that?", future: false}
        order: {ask: choice, choices_from: orders, prompt: "Which order? {{ choices }}", empty: no_orders}
        what: {ask: free, prompt: "What is wrong with it?", say: [reason]}
    confirm_prompt: "{{ order }}, {{ day }}: {{ what }}. Is that right?"
    next: thanks
  thanks: {say: "Thank you.", next: hang_up}
  no_orders: {say: "You have no orders.", next: hang_up}
  office: {say: "The office.", next: hang_up}
  sorry: {say: "Sorry.", next: hang_up}
"""

RIGHT = "Is that right?"


def complaint(text: str = COMPLAINT, **variables: object) -> CallScript:
    return CallScript(text).offered(variables=variables).hears("When was that?")


def test_an_entry_of_a_list_is_a_field() -> None:
    call = complaint().says("yesterday").hears("Which order? For red shoes, press 1.").says("blue hat")
    call.hears("What is wrong").says("it is too small for my head").hears("blue hat, 2026-11-22: it is too small for")
    assert call.says("yes").hears("Thank you.").variables["what"] == "it is too small for my head"


@pytest.mark.parametrize("orders", [[], None, "broken", [{}]])
def test_a_field_without_anything_to_choose_from_leaves_the_form(orders: object) -> None:
    call = complaint(orders=orders).says("yesterday").hears("You have no orders.")
    assert ("no_choices", "orders") in [(note.outcome, note.meaning) for note in call.record]


def test_without_an_exit_of_its_own_an_empty_list_leads_where_failed_attempts_lead() -> None:
    complaint(COMPLAINT.replace(", empty: no_orders", ""), orders=[]).says("yesterday").hears("Sorry.")


def test_a_list_that_is_empty_is_noticed_when_the_field_is_the_first_and_when_it_is_asked_again() -> None:
    lines = COMPLAINT.splitlines(keepends=True)
    day = next(line for line in lines if "day:" in line)
    first = COMPLAINT.replace(day, "").replace("        what:", day + "        what:")
    CallScript(first).offered(variables={"orders": []}).hears("You have no orders.")


def test_the_exit_of_a_field_is_an_exit_of_the_form() -> None:
    flow = load_flow(COMPLAINT, "complaint.yaml").flow
    assert exits_of(flow).of["complain"]["order.empty"] == "no_orders"
    assert "unreachable_step" not in {problem.rule for problem in problems_of_text(COMPLAINT)}


def test_free_speech_is_taken_as_it_is_said_and_commands_only_where_they_are_all() -> None:
    call = complaint().says("yesterday").says("red shoes").hears("What is wrong")
    assert call.listening is not None and call.listening.phrases == ()
    call.says("the agent on friday was rude").hears("the agent on friday was rude")
    left = complaint().says("yesterday").says("red shoes").hears("What is wrong").says("agent").hears("The office.")
    assert left.has_ended


def test_free_speech_is_asked_again_by_its_name_and_the_others_by_their_values() -> None:
    call = complaint().says("yesterday").says("red shoes").says("one is missing").hears(RIGHT)
    call.says("the reason is wrong").hears("What is wrong with it?").says("both are missing").hears("both are missing")
    call.says("no the blue hat").hears("blue hat, 2026-11-22: both are missing").says("yes").hears("Thank you.")


def test_words_of_free_speech_fill_no_other_field() -> None:
    call = complaint().says("yesterday").says("red shoes").hears("What is wrong").says("the blue hat came last monday")
    call.hears("red shoes, 2026-11-22: the blue hat came last monday")


def test_silence_and_a_recognizer_that_is_away_end_free_speech_by_the_attempts() -> None:
    call = complaint().says("yesterday").says("red shoes").hears("What is wrong")
    for _ in range(3):
        call.stays_silent(8)
    call.hears("Sorry.")
    deaf = CallScript(COMPLAINT, deaf={"en-US"}).offered().hears("When").presses("1122#").presses("1").hears("What is")
    for _ in range(3):
        deaf.stays_silent(8)
    deaf.hears("Sorry.")


def test_repeat_asks_free_speech_again() -> None:
    complaint().says("yesterday").says("red shoes").hears("What is wrong").says("repeat").hears("What is wrong")
