"""`tag`: marks the call's record, for people and reports."""

from __future__ import annotations

from ivr.flow.masking import MASK
from ivr.flow.run import Run
from ivr.flow.steps.kind import RETURN, StepKind
from ivr.flow.steps.models import TagStep
from ivr.flow.steps.run_flow import evaluated


def _enter(run: Run, name: str, found: TagStep) -> None:
    values, sensitive = evaluated(run, found.tag)
    shown = {key: MASK if key in sensitive else value for key, value in values.items()}
    run.state.tags = {**run.state.tags, **shown}
    run.note(
        "tag", "done", meaning=", ".join(key if value is True else f"{key} = {value}" for key, value in shown.items())
    )
    run.goto(found.next or RETURN)


KIND = StepKind(TagStep, _enter, needs_caller=False)
