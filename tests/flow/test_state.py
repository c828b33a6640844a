"""What an event led to: nobody changes it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ivr.flow.state import FlowState, Phase, draft_of, finished

pytestmark = pytest.mark.unit


def test_a_state_refuses_to_be_changed() -> None:
    with pytest.raises(AttributeError, match="step cannot be set"):
        FlowState().step = "main"


def test_a_draft_changes_nothing_of_the_state_that_it_was_made_from() -> None:
    before = FlowState(step="main")
    draft = draft_of(before)
    draft.step, draft.phase, draft.input.typed = "other", Phase.LISTENING, "12"
    assert before == FlowState(step="main")
    assert finished(draft) == replace(FlowState(), step="other", phase=Phase.LISTENING, input=draft.input)


def test_a_finished_draft_refuses_to_be_changed() -> None:
    with pytest.raises(AttributeError, match="phase cannot be set"):
        finished(draft_of(FlowState())).phase = Phase.ENDED


def test_a_misspelt_value_is_no_part_of_a_state() -> None:
    with pytest.raises(TypeError, match="setp"):
        FlowState(setp="main")
