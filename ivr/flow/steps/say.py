"""`say`: says something and goes on. It is played together with the question that follows."""

from __future__ import annotations

from ivr.flow.model import SayStep
from ivr.flow.run import Run
from ivr.flow.steps.kind import RETURN, StepKind


def _enter(run: Run, name: str, found: SayStep) -> None:
    barge_in = found.barge_in or run.flow.defaults.barge_in
    if run.state.queued.segments and run.state.queued.barge_in != barge_in:
        run.flush(name)
        return
    said = run.said(found.say)
    run.note("say", "done", prompt=said.text)
    run.queue(said.segments, barge_in)
    run.goto(found.next or RETURN)


KIND = StepKind(SayStep, _enter)
