"""What the engine and the check need to know of one kind of step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ivr.flow import events as e
from ivr.flow.marks import DataPath, Mark, find
from ivr.flow.model import Flow, Step
from ivr.flow.run import Run
from ivr.immutable import immutable

END = "hang_up"
"""Target that ends the call."""

RETURN = "return"
"""Target that ends the flow, and the call where no other flow runs it: what follows a step without `next`."""


@immutable
class Exit:
    """One way out of a step."""

    key: str
    """`next`, `failed`, `busy`, a choice, a command."""
    target: str
    without_caller: bool = True
    """Taken without the caller having said or pressed anything."""
    keeps_answer: bool = False
    """Whether the step's variables hold their values from here on."""


def target_of(step: Step, name: str, written: str | None) -> str:
    """Where an exit of a step that is made of pieces leads: `repeat` is the whole step, not the piece that it is in."""
    target = written or step.next or RETURN
    return name if target == "repeat" else target


def written_exits(flow: Flow, step: Step) -> Iterator[Exit]:
    """The rule for most steps: every target that is written in it; `next` exists even where it is not written."""
    for path, target in find(step, Mark.TARGET):
        if path not in (("next",), ("on_error",)):
            yield Exit(str(path[-1]), target)
    yield Exit("next", step.next or RETURN, keeps_answer=True)


def written_variables(step: Step) -> frozenset[str]:
    """The rule for most steps: the variables in fields that are marked `Into`."""
    return frozenset(name for _, name in find(step, Mark.INTO))


def _nothing(run: Run, found: Any) -> None:
    pass


def _ignore(run: Run, found: Any, event: e.Event) -> None:
    pass


@immutable
class Piece:
    """A step that another one is made of."""

    name: str
    """`STEP.PART`: no step of a file can have that name."""
    step: Step
    place: DataPath
    """Where it is written, below the step that it is a piece of."""
    leave_out: DataPath = ()
    """What the paths in the piece begin with and the file does not have."""


def _none(name: str, step: Any) -> Iterator[Piece]:
    return iter(())


@immutable
class StepKind:
    """One kind of step. Functions take the step's own model; a step that must wait sets a phase and handles events."""

    model: type[Step]
    enter: Callable[[Run, str, Any], None]
    """Called with the step's name when a call comes to it."""
    handle: Callable[[Run, Any, e.Event], None] = _ignore
    """An event while this step is open: whatever the engine has no rule of its own for (see `engine._handle`)."""
    caller_left: Callable[[Run, Any], None] = _nothing
    """The caller left while this step is open: write down what was."""
    exits: Callable[[Flow, Any], Iterator[Exit]] = written_exits
    variables: Callable[[Any], frozenset[str]] = written_variables
    """Variables that the step sets."""
    needs_next: Callable[[Any], bool] = lambda step: True
    """Whether the call just ends after the step where `next` is left out."""
    pieces: Callable[[str, Any], Iterator[Piece]] = _none
    """Further steps that the step is made of; the loader adds them to the flow."""
    needs_caller: bool = True
    """Whether it has no place among the steps of `on_hang_up`."""
    needs_answer: bool = False
    """Whether the caller has to do something in it that takes an answered call."""
    ends_call: bool = False
    """Whether a call can end or be handed over here."""
