"""Conversations with flows that answer later: what was heard before, whether it was answered, how it was refused."""

from __future__ import annotations

import pytest

from ivr.rehearsal.played import Played
from tests.rehearsal.files import played, problems

pytestmark = pytest.mark.unit

FLOW = """
flow: small
answer: later
start: main
steps:
  main: {hours: office, open: up, closed: shut}
  shut: {say: "We are closed.", next: no}
  no: {hang_up: {status: 486}}
  up: {answer: {after: 3s}, next: menu}
  menu: {menu: {prompt: "Press 1.", choices: {one: {keys: "1", go: bye}}}, failed: bye}
  bye: {say: "Goodbye.", next: hang_up}
"""


def in_a(state: str, call: str, expect: str) -> Played:
    """A conversation while the office is open or closed."""
    return played(call, f"mock: {{main: {state}}}\nexpect: {{{expect}}}", FLOW)


def test_a_refusal_is_expected_with_its_status() -> None:
    result = in_a("closed", '- hear: "closed"', "end: rejected, rejected: 486, answered: false")
    assert result.difference is None
    assert (result.is_answered, result.refused_with, result.early_prompts) == (False, 486, 1)
    assert next(turn.shown for turn in result.turns if turn.who == "call") == "(it rings)"


def test_an_answered_call_shows_when() -> None:
    result = in_a("open", '- hear: "press 1"\n- press: "1"', "end: bot_hung_up, answered: true")
    assert result.difference is None and (result.is_answered, result.early_prompts) == (True, 0)
    assert [round(turn.at_s) for turn in result.turns if turn.shown == "(answered)"] == [3]


@pytest.mark.parametrize(
    ("state", "expect", "key", "expected", "found"),
    [
        ("closed", "answered: true", "answered", "the call is answered", "it was not answered"),
        ("open", "answered: false", "answered", "the call is not answered", "it was answered"),
        ("closed", "rejected: 480", "rejected", "SIP 480", "it was refused with SIP 486"),
        ("open", "rejected: 486", "rejected", "SIP 486", "it ended: caller hung up"),
    ],
)
def test_what_was_expected_otherwise_is_told(state: str, expect: str, key: str, expected: str, found: str) -> None:
    difference = in_a(state, "- wait: 1s", expect).difference
    assert difference is not None and difference.key == key
    assert expected in difference.expected and difference.found == found


def test_a_caller_may_give_up_while_it_rings() -> None:
    assert in_a("open", "- wait: 1s\n- hang up", "end: caller_hung_up, answered: false").difference is None


def test_a_status_that_refuses_nobody_is_a_mistake_of_the_file() -> None:
    text = "tests:\n  - {name: it, call: [{wait: 1s}], expect: {rejected: 200}}\n"
    assert len(problems(text, FLOW)) == 1 and "write at least 400" in problems(text, FLOW)[0]
