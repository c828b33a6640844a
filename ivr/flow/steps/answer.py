"""`answer`: answers a call that rings, in a flow that says itself when (`answer: later`)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field

from ivr.flow import events as e
from ivr.flow.model import Step
from ivr.flow.parts import Part
from ivr.flow.run import Run
from ivr.flow.state import Phase
from ivr.flow.steps.kind import RETURN, StepKind
from ivr.units import Duration
from ivr.written import also, written


class Answering(Part):
    """How the call is answered."""

    after: Annotated[Duration, Field(ge=0, le=60)] = 0.0
    """So long it rings before."""


@written(also({"const": True}))
def _true_is_plain(value: object) -> object:
    if value is False:
        raise ValueError("write true, or how long it rings before, such as {after: 3s}; or remove the step")
    return {} if value is True else value


class AnswerStep(Step):
    """Answers the call; what was said before it is heard as early media. Nothing where it is answered already."""

    action: ClassVar[str] = "answer"
    answer: Annotated[Answering, BeforeValidator(_true_is_plain)]


def _enter(run: Run, name: str, found: AnswerStep) -> None:
    if not run.state.is_unanswered:
        run.note("answer", "done", detail="answered already")
        run.goto(found.next or RETURN)
    elif run.flush(name):
        return
    elif found.answer.after > 0:
        run.state.phase = Phase.WORKING
        run.state.input.started_at_s = run.at_s
        run.start_timer(found.answer.after)
    else:
        _answer(run, found, run.at_s)


def _handle(run: Run, found: AnswerStep, event: e.Event) -> None:
    if isinstance(event, e.TimerFired) and event.timer_id == run.state.timer_id:
        run.state.timer_id = ""
        _answer(run, found, run.state.input.started_at_s)


def _answer(run: Run, found: AnswerStep, started_at_s: float) -> None:
    run.note("answer", "done", started_at_s=started_at_s)
    run.answer()
    run.goto(found.next or RETURN)


KIND = StepKind(AnswerStep, _enter, _handle)
