"""Flows that run flows: the stack of a call, and how one goes into a flow, out of it, and back into it.

Each flow has its own variables, its own way back and its own counters; a frame keeps those of a flow that is not the
current one. Language, keys typed ahead and what is queued to be said belong to the call.
"""

from __future__ import annotations

from collections.abc import Mapping

from ivr.flow.model import BUILT_IN_TARGETS
from ivr.flow.run import Run
from ivr.flow.state import Frame

DEEPEST = 8
"""So many flows may wait for each other."""


def enter_flow(run: Run, name: str, variables: Mapping[str, object], sensitive: frozenset[str]) -> None:
    """Begin a flow; the current one waits in its step."""
    flow = run.program.flow_named(name)
    run.enter_frame(Frame(name, "", {**flow.variables, **variables}, sensitive))
    run.goto(flow.start)


def go_in(run: Run, depth: int, target: str) -> None:
    """Enter a step of the flow at `depth` of the stack, leaving those above it; built-in targets mean the call here.

    The question that is left so can be gone back to, as if it had been answered.
    """
    owner = run.flow_at(depth)
    if target in owner.steps or target not in BUILT_IN_TARGETS:
        remember(run, run.state.step)
        while len(run.state.frames) > depth:
            leave(run)
    run.goto(target)


def remember(run: Run, step: str) -> None:
    """`back` leads to this step of the current flow next."""
    run.state.history = (*run.state.history, step)[-50:]


def leave(run: Run) -> None:
    """Go on in the flow that waits; where the current one asked something, `back` leads into it again."""
    left = run.leave_flow()
    if left.history:
        here = run.state.step
        remember(run, here)
        run.state.finished = {**run.state.finished, here: left}


def previous_step(run: Run) -> str:
    """Step that `back` leads to: the question before this one, in whichever flow it was asked."""
    here = run.state.step
    if not _has_past(run):
        return here
    while True:
        history = list(run.state.history)
        if not history:
            run.leave_flow()
            here = run.state.step
            continue
        previous = history.pop()
        run.state.history = tuple(history)
        if previous == here:
            continue
        if previous not in run.state.finished:
            return previous
        _go_back_into(run, previous)
        here = ""


def _has_past(run: Run) -> bool:
    if any(step != run.state.step for step in run.state.history):
        return True
    return any(step != frame.step for frame in run.state.frames for step in frame.history)


def _go_back_into(run: Run, step: str) -> None:
    """Take up a flow that had ended, where it asked last."""
    run.state.step = step
    run.enter_frame(run.state.finished[step])
