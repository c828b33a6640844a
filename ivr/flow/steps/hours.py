"""`hours`: goes different ways by opening hours. The calendars are in the settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.flow.calendar import HoursState
from ivr.flow.jobs import HoursJob, JobOutcome, JobResult
from ivr.flow.marks import Target
from ivr.flow.model import Flow, Step
from ivr.flow.parts import Into
from ivr.flow.run import Run
from ivr.flow.state import Phase
from ivr.flow.steps import job
from ivr.flow.steps.kind import RETURN, Exit, StepKind

EXITS = ("open", "closed", "holiday", "emergency")


class HoursStep(Step):
    """Asks a calendar whether somebody is there."""

    action: ClassVar[str] = "hours"
    hours: str
    """Name of a calendar in the settings."""
    open: Target | None = None
    """`next` when empty."""
    closed: Target | None = None
    holiday: Target | None = None
    """Where a public holiday leads; `closed` when empty."""
    emergency: Target | None = None
    """Where a closing by hand leads; `closed` when empty."""
    into: Into = "hours"
    """Variable that takes state, reason, next_open, closes and opens_today."""


def _target(step: HoursStep, state: str) -> str:
    if state == HoursState.OPEN:
        return step.open or step.next or RETURN
    return getattr(step, state) or step.closed or step.next or RETURN


def _enter(run: Run, name: str, found: HoursStep) -> None:
    """The calendar answers at once; before the call is answered, it stays unanswered."""
    if run.state.phase is not Phase.NEW:
        run.state.phase = Phase.WORKING
    run.state.job_id = run.new_id("job")
    run.state.is_waiting_sound = False
    run.state.input.started_at_s = run.at_s
    run.emit(c.StartJob(run.state.job_id, HoursJob(found.hours)))


def _handle(run: Run, found: HoursStep, event: e.Event) -> None:
    if not isinstance(event, e.JobDone) or event.job_id != run.state.job_id:
        job.handle(run, None, event)
        return
    answer = _answer(event.result)
    run.state.variables = {**run.state.variables, found.into: answer}
    run.state.sensitive = run.state.sensitive - {found.into}
    state = str(answer["state"])
    detail = event.result.detail or str(answer["reason"])
    run.note("hours", state, started_at_s=run.state.input.started_at_s, meaning=found.hours, detail=detail)
    job.leave(run, _target(found, state))


def _answer(result: JobResult) -> Mapping[str, object]:
    """What the calendar said; nobody is there where it could say nothing."""
    nothing = {"state": "closed", "reason": "", "next_open": "", "closes": "", "opens_today": False}
    if result.outcome is not JobOutcome.DONE or not isinstance(result.value, Mapping):
        return nothing
    known = str(result.value.get("state")) in EXITS
    return {**nothing, **result.value} if known else nothing


def _exits(flow: Flow, step: HoursStep) -> Iterator[Exit]:
    for state in EXITS:
        yield Exit(state, _target(step, state), keeps_answer=True)


def _needs_next(step: HoursStep) -> bool:
    return step.open is None or step.closed is None


KIND = StepKind(
    HoursStep,
    _enter,
    _handle,
    lambda run, found: job.caller_left(run, "hours", found.hours),
    exits=_exits,
    needs_caller=False,
    needs_next=_needs_next,
)
