"""What goes along with a caller who is brought to a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ivr.flow import commands as c
from ivr.flow.form_view import variable_of
from ivr.flow.jobs import SendJob, WebhookMessage
from ivr.flow.marks import Mark, find
from ivr.flow.model import FormStep, InputStep, Step
from ivr.flow.run import Run
from ivr.flow.steps.models import RunStep

ACCEPT_WITHIN_S = 10.0
"""How long the key by which a person takes a call may come after the whisper."""


def notify(run: Run, webhook: str, data: Mapping[str, object]) -> None:
    """Tell a webhook of the call; nothing waits for it."""
    run.emit(c.StartJob(run.new_id("job"), SendJob(WebhookMessage(webhook, data)), is_kept=True))


def context_of(run: Run) -> Mapping[str, object]:
    """Who calls, and for how long he has been here."""
    call = run.state.variables.get("call")
    caller, name = (str(call.get(key, "")) for key in ("from", "name")) if isinstance(call, Mapping) else ("", "")
    waits_s = round(run.at_s - run.state.began_at_s)
    told = {"caller": caller, "flow": run.flow.flow, "language": run.state.language, "wait_s": waits_s}
    return {**told, "name": name} if name else told


def answers_of(run: Run, names: Sequence[str] | None) -> Mapping[str, object]:
    """The values that go along, those of all answers for None; nobody outside is told those that are sensitive."""
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
