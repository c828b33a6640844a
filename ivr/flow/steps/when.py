"""`when`: goes where the first true condition says."""

from __future__ import annotations

from collections.abc import Iterator

from ivr.flow import templates
from ivr.flow.masking import MASK
from ivr.flow.model import Flow, WhenStep
from ivr.flow.run import Run
from ivr.flow.steps.kind import RETURN, Exit, StepKind
from ivr.flow.template_check import variables_of_expression


def _enter(run: Run, name: str, found: WhenStep) -> None:
    variables = run.variables
    for branch in found.when:
        if branch.condition is None or templates.evaluate(branch.condition, variables):
            run.note("when", "done", meaning=_shown(run, branch.condition))
            run.goto(branch.go)
            return
    run.goto(found.next or RETURN)


def _shown(run: Run, condition: str | None) -> str:
    """The condition that held; one on a sensitive value tells the value."""
    if condition is None:
        return "else"
    return MASK if variables_of_expression(condition) & run.state.sensitive else condition


def _exits(flow: Flow, step: WhenStep) -> Iterator[Exit]:
    yield from (Exit("when", branch.go) for branch in step.when)
    if all(branch.condition is not None for branch in step.when):
        yield Exit("next", step.next or RETURN)


KIND = StepKind(
    WhenStep,
    _enter,
    exits=_exits,
    needs_caller=False,
    needs_next=lambda step: all(branch.otherwise is None for branch in step.when),
)
