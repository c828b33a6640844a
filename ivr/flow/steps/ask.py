"""`ask`: asks for a value and keeps it."""

from __future__ import annotations

from collections.abc import Iterator

from ivr.flow.model import AskStep, Flow
from ivr.flow.steps import listen
from ivr.flow.steps.kind import END, Exit, StepKind


def _exits(flow: Flow, step: AskStep) -> Iterator[Exit]:
    keys = ("confirmed", "denied") if step.ask == "yes_no" else ("next",)
    for key in keys:
        yield Exit(key, getattr(step, key) or step.next or END, without_caller=False, keeps_answer=True)
    yield from listen.other_exits(flow, step)


KIND = StepKind(
    AskStep,
    listen.enter,
    listen.handle,
    listen.caller_left,
    exits=_exits,
    needs_next=lambda step: step.ask != "yes_no" or step.confirmed is None or step.denied is None,
)
