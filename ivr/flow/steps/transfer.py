"""`transfer`: hands the caller to a person; each failure has its exit, with the caller still there."""

from __future__ import annotations

from collections.abc import Iterator

from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.flow.model import Flow, TransferStep
from ivr.flow.run import Run
from ivr.flow.state import Phase
from ivr.flow.steps.kind import END, Exit, StepKind

FAILURES = ("busy", "no_answer", "refused", "unknown", "unreachable")


def _enter(run: Run, name: str, found: TransferStep) -> None:
    transfer = found.transfer
    if transfer.announce and not run.is_announced:
        run.queue(run.segments(transfer.announce), "none")
    if run.flush(name, is_announced=True):
        return
    run.state.phase = Phase.TRANSFERRING
    run.state.typed_ahead = ""
    run.state.input.started_at_s = run.at_s
    hold = run.segments(transfer.hold) if transfer.hold else ()
    whisper = run.segments(transfer.whisper) if transfer.whisper else ()
    run.emit(c.StartTransfer(transfer.to, transfer.mode, transfer.ring_for, hold, whisper))


def _handle(run: Run, found: TransferStep, event: e.Event) -> None:
    if not isinstance(event, e.TransferEnded) or run.state.phase is not Phase.TRANSFERRING:
        return
    run.note(
        "transfer",
        event.outcome,
        started_at_s=run.state.input.started_at_s,
        meaning=found.transfer.to,
        detail=event.detail,
    )
    if event.outcome is e.TransferOutcome.CONNECTED:
        run.end(ended_by="transfer")
        return
    run.goto(getattr(found, event.outcome) or found.failed or run.flow.defaults.failed or "hang_up")


def _caller_left(run: Run, found: TransferStep) -> None:
    if run.state.phase is Phase.TRANSFERRING:
        run.note("transfer", "hung_up", started_at_s=run.state.input.started_at_s)


def _exits(flow: Flow, step: TransferStep) -> Iterator[Exit]:
    rest = step.failed or END  # to leave it out is an error of its own
    yield from (Exit(key, getattr(step, key) or rest) for key in FAILURES)
    yield Exit("failed", rest)


KIND = StepKind(
    TransferStep,
    _enter,
    _handle,
    _caller_left,
    exits=_exits,
    needs_next=lambda step: False,
    needs_answer=True,
    ends_call=True,
)
