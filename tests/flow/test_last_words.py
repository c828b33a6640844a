"""The last words of a call are not cut off by its end."""

from __future__ import annotations

import pytest

from ivr.flow import commands as c
from ivr.flow import engine
from ivr.flow import events as e
from ivr.flow.loader import load_flow
from ivr.flow.prompts import fixed_prompts
from ivr.flow.segments import LAST_WORD_PAUSE, Speech
from ivr.flow.state import FlowState

pytestmark = pytest.mark.unit

ENDS = ("next: hang_up}", "next: end}\n  end: {hang_up: true}")


@pytest.mark.parametrize("end", ENDS)
def test_a_rest_follows_the_goodbye_before_the_call_ends(end: str) -> None:
    flow = load_flow(f'flow: test\nstart: bye\nsteps:\n  bye: {{say: "Goodbye.", {end}\n', "test.yaml").flow
    said = engine.step(flow, FlowState(), e.CallOffered(0.0))
    played = [command for command in said.commands if isinstance(command, c.PlayPrompt)]
    assert [command.segments for command in played] == [(Speech("Goodbye.", "en-US"), LAST_WORD_PAUSE)]
    assert not any(isinstance(command, c.HangUp) for command in said.commands)
    over = engine.step(flow, said.state, e.PromptFinished(2.0, played[0].play_id))
    assert any(isinstance(command, c.HangUp) for command in over.commands)
    assert (LAST_WORD_PAUSE,) in fixed_prompts(flow), "it is ready before the call"
