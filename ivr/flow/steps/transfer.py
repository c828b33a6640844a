"""`transfer`: hands the caller to a person; each failure has its exit, with the caller still there."""

from __future__ import annotations

from collections.abc import Iterator

from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.flow.model import Flow
from ivr.flow.run import Run
from ivr.flow.state import Phase
from ivr.flow.steps.handing_over import ACCEPT_WITHIN_S, answers_of, context_of, notify
from ivr.flow.steps.kind import END, Exit, StepKind
from ivr.flow.steps.transfer_model import TransferStep

FAILURES = ("busy", "no_answer", "refused", "unknown", "unreachable", "not_accepted")


def failures_of(step: TransferStep) -> tuple[str, ...]:
    """The exits by which a transfer can fail, `failed` left out."""
    return tuple(key for key in FAILURES if key != "not_accepted" or step.transfer.accept == "key")


def _enter(run: Run, name: str, found: TransferStep) -> None:
    transfer = found.transfer
    if transfer.announce and not run.is_announced:
        run.queue(run.segments(transfer.announce), "none")
    if run.flush(name, is_announced=True):
        return
    run.state.phase = Phase.TRANSFERRING
    run.state.typed_ahead = ""
    run.state.input.started_at_s = run.at_s
    context, answers = context_of(run), answers_of(run, transfer.context)
    if transfer.notify:
        notify(run, transfer.notify, {**context, "to": transfer.names, "answers": answers})
    hold = run.segments(transfer.hold) if transfer.hold else ()
    whisper = run.segments(transfer.whisper) if transfer.whisper else ()
    run.emit(
        c.StartTransfer(
            tuple(c.Callee(each.target, each.ring_for or transfer.ring_for) for each in transfer.to),
            transfer.mode,
            hold,
            whisper,
            transfer.accept == "key",
            transfer.accept_within or ACCEPT_WITHIN_S,
            transfer.ring == "all",
            transfer.early_media == "pass",
            found.after is not None,
            transfer.return_key or "",
            context,
            answers,
        )
    )


def _handle(run: Run, found: TransferStep, event: e.Event) -> None:
    if not isinstance(event, e.TransferEnded) or run.state.phase is not Phase.TRANSFERRING:
        return
    run.note(
        "transfer",
        event.outcome,
        started_at_s=run.state.input.started_at_s,
        meaning=_whom(found, event),
        detail=event.detail,
    )
    if event.outcome in e.TALKED:
        back = _way_back(found, event.outcome)
        if back is None:
            run.end(ended_by="transfer")
        else:
            run.goto(back)
        return
    run.goto(getattr(found, event.outcome) or found.failed or run.flow.defaults.failed or "hang_up")


def _way_back(found: TransferStep, outcome: e.TransferOutcome) -> str | None:
    """Where the caller goes on after a talk; None where the call is over with it."""
    ways = {e.TransferOutcome.AFTER: found.after, e.TransferOutcome.RETURNED: found.returned or found.after}
    return ways.get(outcome)


def _whom(found: TransferStep, event: e.TransferEnded) -> str:
    """The target that the caller was brought to; all that were called where that went wrong."""
    if event.outcome in e.TALKED:
        return event.target or found.transfer.to[0].target
    return found.transfer.names


def _caller_left(run: Run, found: TransferStep) -> None:
    if run.state.phase is Phase.TRANSFERRING:
        run.note("transfer", "hung_up", started_at_s=run.state.input.started_at_s)


def _exits(flow: Flow, step: TransferStep) -> Iterator[Exit]:
    rest = step.failed or END  # to leave it out is an error of its own
    yield from (Exit(key, getattr(step, key) or rest) for key in failures_of(step))
    yield Exit("failed", rest)
    if step.after:
        yield Exit("after", step.after, without_caller=False)
    if step.transfer.return_key:
        yield Exit("returned", step.returned or step.after or END, without_caller=False)


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
