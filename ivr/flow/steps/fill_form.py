"""`form`: asks for several values, in one sentence or one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from ivr.flow.form_view import variable_of
from ivr.flow.model import Flow, FormStep
from ivr.flow.steps import listen
from ivr.flow.steps.kind import RETURN, Exit, StepKind


def _exits(flow: Flow, step: FormStep) -> Iterator[Exit]:
    yield Exit("next", step.next or RETURN, without_caller=False, keeps_answer=True)
    for name, field in step.form.fields.items():
        if field.empty:
            yield Exit(f"{name}.empty", field.empty)
    yield from listen.other_exits(flow, step)


def _variables(step: FormStep) -> frozenset[str]:
    return frozenset(variable_of(name, field) for name, field in step.form.fields.items())


KIND = StepKind(
    FormStep,
    listen.enter,
    listen.handle,
    listen.caller_left,
    exits=_exits,
    variables=_variables,
    needs_answer=True,
)
