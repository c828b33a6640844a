"""Prompts that say something sensitive are marked, so that no adapter keeps them."""

from __future__ import annotations

import pytest

from ivr.flow import commands as c
from ivr.flow import engine
from ivr.flow import events as e
from ivr.flow.loader import load_flow
from ivr.flow.segments import Speech
from ivr.flow.state import FlowState

pytestmark = pytest.mark.unit

FLOW = """
flow: test
start: pin
steps:
  pin:
    ask: digits
    length: 4
    into: pin
    sensitive: true
    confirm: always
    prompt: "Your number?"
    next: said
    failed: bye
  said: {say: ["Thank you.", "It was {{ pin | digits }}."], next: bye}
  bye: {hang_up: true}
"""


def _spoken(confirm: bool) -> dict[str, bool]:
    """What is said after the number was keyed in, and whether it is marked."""
    flow = load_flow(FLOW, "test.yaml").flow
    state, said = FlowState(), dict[str, bool]()
    keys = "4711" + ("1" if confirm else "")
    for event in [e.CallOffered(0.0), *(e.DigitPressed(1.0 + i, key) for i, key in enumerate(keys))]:
        result = engine.step(flow, state, event)
        state = result.state
        for command in result.commands:
            if isinstance(command, c.PlayPrompt):
                said |= {part.text: part.is_sensitive for part in command.segments if isinstance(part, Speech)}
    return said


def test_the_question_itself_is_not_marked() -> None:
    assert _spoken(False)["Your number?"] is False


def test_a_read_back_for_confirmation_is_marked() -> None:
    marked = [text for text, is_marked in _spoken(False).items() if is_marked]
    assert len(marked) == 1
    assert "4 7" in marked[0]


def test_only_the_part_that_says_it_is_marked() -> None:
    said = _spoken(True)
    assert said["Thank you."] is False
    assert [is_marked for text, is_marked in said.items() if text.startswith("It was")] == [True]
