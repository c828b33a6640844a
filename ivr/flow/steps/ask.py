"""`ask`: asks for a value and keeps it."""

from __future__ import annotations

from collections.abc import Iterator

from ivr.flow.model import AskStep, Flow
from ivr.flow.steps import listen
from ivr.flow.steps.kind import RETURN, Exit, StepKind


def exits_of_ask(flow: Flow, step: AskStep) -> Iterator[Exit]:
    """Every way out of a question."""
    keys = ("confirmed", "denied") if step.ask == "yes_no" else ("next",)
    for key in keys:
        yield Exit(key, getattr(step, key) or step.next or RETURN, without_caller=False, keeps_answer=True)
    if step.empty:
        yield Exit("empty", step.empty)
    if step.skipped:
        yield Exit("skipped", step.skipped, without_caller=False)
    yield from listen.other_exits(flow, step)


KIND = StepKind(
    AskStep,
    listen.enter,
    listen.handle,
    listen.caller_left,
    exits=exits_of_ask,
    needs_answer=True,
    needs_next=lambda step: step.ask != "yes_no" or step.confirmed is None or step.denied is None,
)
