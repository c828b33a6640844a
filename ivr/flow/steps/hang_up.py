"""`hang_up`: ends the call, or refuses it before it is answered."""

from __future__ import annotations

from collections.abc import Iterator

from ivr.flow.model import Flow, HangUpStep
from ivr.flow.run import Run
from ivr.flow.segments import LAST_WORD_PAUSE
from ivr.flow.state import Phase
from ivr.flow.steps.kind import Exit, StepKind


def _enter(run: Run, name: str, found: HangUpStep) -> None:
    if run.flush(name, then=(LAST_WORD_PAUSE,)):
        return
    run.note("hang_up", "done")
    is_open = run.state.phase is Phase.NEW or run.state.is_unanswered
    if is_open and found.hang_up.status is not None:
        run.reject(found.hang_up.status)
    else:
        run.end(found.hang_up.cause)


def _exits(flow: Flow, step: HangUpStep) -> Iterator[Exit]:
    return iter(())


KIND = StepKind(HangUpStep, _enter, exits=_exits, needs_next=lambda step: False, ends_call=True)
