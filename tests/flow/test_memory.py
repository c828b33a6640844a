"""What the engine remembers of a flow changes nothing and goes with the flow."""

from __future__ import annotations

import pytest

from ivr.flow import asking
from ivr.flow.loader import load_flow
from ivr.flow.model import InputStep
from ivr.flow.question import Question, waiting_for
from ivr.flow.run import Run
from ivr.testing.conversation import CallScript

pytestmark = pytest.mark.unit

FLOW = """
flow: small
start: main
defaults: {no_input: Hello?, no_match: Pardon?, failed: hang_up, first_input_timeout: 4s}
steps:
  main:
    menu:
      prompt: Sales or service?
      choices:
        sales: {keys: "1", say: sales, go: main}
        service: {keys: "2", say: service, go: main}
"""


def test_a_copy_of_a_flow_remembers_nothing_of_the_first() -> None:
    flow = load_flow(FLOW, "flow.yaml").flow
    step = flow.steps["main"]
    assert isinstance(step, InputStep)
    assert waiting_for(flow, step).first_input_timeout_s == 4.0
    slower = flow.model_copy(update={"defaults": flow.defaults.model_copy(update={"first_input_timeout": 9.0})})
    assert waiting_for(slower, step).first_input_timeout_s == 9.0
    assert waiting_for(flow, step).first_input_timeout_s == 4.0


def test_flows_are_equal_whatever_they_remember() -> None:
    flow, same = load_flow(FLOW, "flow.yaml").flow, load_flow(FLOW, "flow.yaml").flow
    CallScript(flow).offered().presses("1").hangs_up()
    assert flow == same


def test_a_question_is_made_once_for_all_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    flow, made, make = load_flow(FLOW, "flow.yaml").flow, [], asking._made_question_of

    def counted(run: Run, step: InputStep) -> Question:
        made.append(step)
        return make(run, step)

    monkeypatch.setattr(asking, "_made_question_of", counted)
    for _ in range(3):
        CallScript(flow).offered().presses("1").says("service").presses("2").hangs_up()
    assert len(made) == 1
