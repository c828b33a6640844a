"""`menu`: offers choices; each leads somewhere."""

from __future__ import annotations

from collections.abc import Iterator

from ivr.flow.model import Flow, MenuStep
from ivr.flow.steps import listen
from ivr.flow.steps.kind import RETURN, Exit, StepKind


def exits_of_menu(flow: Flow, step: MenuStep) -> Iterator[Exit]:
    """Every way out of a menu."""
    for name, choice in step.menu.choices.items():
        yield Exit(name, choice.go or step.next or RETURN, without_caller=False, keeps_answer=True)
    yield from listen.other_exits(flow, step)


KIND = StepKind(
    MenuStep,
    listen.enter,
    listen.handle,
    listen.caller_left,
    exits=exits_of_menu,
    needs_answer=True,
    needs_next=lambda step: False,  # a choice that leads nowhere is an error of its own
)
