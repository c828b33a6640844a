"""What the steps that listen (`menu`, `ask`) have in common."""

from __future__ import annotations

from collections.abc import Iterator

from ivr.flow import listening
from ivr.flow.model import Flow, InputStep
from ivr.flow.question import commands_heard
from ivr.flow.run import Run
from ivr.flow.state import Phase
from ivr.flow.steps.kind import END, Exit

enter, handle = listening.enter, listening.handle


def caller_left(run: Run, found: InputStep) -> None:
    """Write the open attempt down."""
    if run.state.phase is Phase.LISTENING:
        listening.note_open(run, "hung_up")


def other_exits(flow: Flow, step: InputStep) -> Iterator[Exit]:
    """Where silence and commands lead."""
    yield Exit("failed", step.failed or flow.defaults.failed or END)
    for name, command in commands_heard(flow, step).items():
        yield Exit(name, command.go, without_caller=False)
