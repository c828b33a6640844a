"""An answer is taken: its value kept, a line written down, and the flow goes where it leads."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ivr.flow import form
from ivr.flow.asking import hides_answers, open_form
from ivr.flow.keeping import keep
from ivr.flow.masking import MASK
from ivr.flow.model import AskStep, InputStep, MenuStep
from ivr.flow.run import Run
from ivr.flow.state import Input, Pending


def accept(run: Run, step: InputStep, pending: Pending, outcome: str) -> None:
    """Take an answer: keep its value, write it down, go where it leads."""
    kind, _, name = pending.meaning.partition(":")
    is_sensitive = kind != "command" and hides_answers(run)
    held, progress = run.state.input, run.state.form
    run.note(
        "command" if kind == "command" else run.flow.steps[run.state.step].action,
        outcome,
        started_at_s=held.started_at_s,
        attempt=held.attempt,
        mode=pending.mode,
        prompt=held.prompt_text,
        heard=MASK if is_sensitive else pending.heard,
        meaning=MASK if is_sensitive else name or _written(pending),
        confidence=pending.confidence,
        **({"detail": form.where(progress)} if open_form(run) and progress and kind != "command" else {}),
    )
    run.set(steps_without_input=0)
    if kind == "command":
        run.set(input=Input())
        _obey(run, name)
    elif open_form(run) is not None:
        form.take(run, pending)
    else:
        run.set(input=Input(), history=(*run.state.history, run.state.step)[-50:])
        _go_on(run, step, pending, name)


def _go_on(run: Run, step: InputStep, pending: Pending, name: str) -> None:
    if isinstance(step, MenuStep):
        keep(run, step.into, name, is_sensitive=False)
        run.goto(step.menu.choices[name].go or step.next or "hang_up")
    elif isinstance(step, AskStep):
        keep(run, step.into, pending.value, is_sensitive=step.sensitive)
        run.goto(_exit(step, pending) or step.next or "hang_up")


def _written(pending: Pending) -> str:
    if isinstance(pending.value, Mapping):
        values = {name: getattr(value, "value", value) for name, value in pending.value.items()}
        return ", ".join(f"{name} = {value}" for name, value in values.items())
    return pending.meaning if isinstance(pending.value, bool) else str(pending.value)


def _exit(step: AskStep, pending: Pending) -> str | None:
    """Where a yes or no leads, when it has an exit of its own."""
    if step.ask != "yes_no":
        return None
    return step.confirmed if pending.value else step.denied


def _obey(run: Run, name: str) -> None:
    """Carry a command out."""
    command = run.flow.commands[name]
    if command.language:
        known = run.state.variables.get("call")
        call = {**(known if isinstance(known, Mapping) else {}), "language": command.language}
        variables = {**run.state.variables, "call": MappingProxyType(call)}
        run.set(language=command.language, variables=variables)
    if command.go != "repeat":
        run.set(form=None)
    run.goto(command.go)
