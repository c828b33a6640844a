"""`transfer`: hands the caller to a person; each failure has its exit, with the caller still there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.flow.form_view import variable_of
from ivr.flow.jobs import SendJob, WebhookMessage
from ivr.flow.marks import Mark, find
from ivr.flow.model import Flow, FormStep, InputStep, Step
from ivr.flow.run import Run
from ivr.flow.state import Phase
from ivr.flow.steps.kind import END, Exit, StepKind
from ivr.flow.steps.models import RunStep
from ivr.flow.steps.transfer_model import TransferStep

FAILURES = ("busy", "no_answer", "refused", "unknown", "unreachable", "not_accepted")

ACCEPT_WITHIN_S = 10.0


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
    context, answers = _context(run), _answers(run, found)
    if transfer.notify:
        message = WebhookMessage(transfer.notify, {**context, "to": transfer.names, "answers": answers})
        run.emit(c.StartJob(run.new_id("job"), SendJob(message), is_kept=True))
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


def _context(run: Run) -> Mapping[str, object]:
    """Who calls, and for how long he has been here."""
    call = run.state.variables.get("call")
    caller = str(call.get("from", "")) if isinstance(call, Mapping) else ""
    waits_s = round(run.at_s - run.state.began_at_s)
    return {"caller": caller, "flow": run.flow.flow, "language": run.state.language, "wait_s": waits_s}


def _answers(run: Run, found: TransferStep) -> Mapping[str, object]:
    """The values that go along; nobody outside is told those that are sensitive."""
    names = found.transfer.context
    if names is None:
        names = tuple(dict.fromkeys(name for step in run.steps.values() for name in _answered_in(step)))
    known = run.masked_variables
    return {name: known[name] for name in names if known.get(name) not in (None, "")}


def _answered_in(step: Step) -> Iterator[str]:
    if isinstance(step, FormStep):
        yield from (variable_of(key, field) for key, field in step.form.fields.items())
    elif isinstance(step, RunStep) and isinstance(step.into, Mapping):
        yield from step.into
    elif isinstance(step, InputStep | RunStep):
        yield from (name for _, name in find(step, Mark.INTO))


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
