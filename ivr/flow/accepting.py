"""An answer is taken: its value kept, a line written down, and the flow goes where it leads."""

from __future__ import annotations

from collections.abc import Mapping

from ivr.flow import form, frames
from ivr.flow.asking import ask, open_step, opened, waiting_of
from ivr.flow.keeping import keep
from ivr.flow.masking import MASK
from ivr.flow.model import AskStep, InputStep, MenuStep
from ivr.flow.parts import Command
from ivr.flow.prompts import NOTHING_SAID
from ivr.flow.run import Run
from ivr.flow.state import Answered, Input, Pending


def accept(run: Run, step: InputStep, pending: Pending, outcome: str) -> None:
    """Take an answer: keep its value, write it down, go where it leads."""
    kind, _, name = pending.meaning.partition(":")
    asked = opened(run)
    is_form, is_sensitive = asked.form is not None, kind != "command" and asked.hides_answers
    held, progress = run.state.input, run.state.form
    run.note(
        "command" if kind == "command" else asked.action,
        outcome,
        started_at_s=held.started_at_s,
        attempt=held.attempt,
        mode=pending.mode,
        prompt=held.prompt_text,
        heard=MASK if is_sensitive else pending.heard,
        meaning=MASK if is_sensitive else name or _written(pending),
        confidence=pending.confidence,
        detail=progress.where if is_form and progress and kind != "command" else "",
    )
    run.state.steps_without_input = 0
    if kind != "command":
        run.state.last_answer = Answered(pending.value, pending.mode, pending.confidence, held.started_at_s)
    if kind == "command":
        run.state.input = Input()
        _obey(run, name, held)
    elif is_form:
        form.take(run, pending)
    else:
        run.state.input = Input()
        frames.remember(run, run.state.step)
        _go_on(run, step, pending, name)


def _go_on(run: Run, step: InputStep, pending: Pending, name: str) -> None:
    if isinstance(step, MenuStep):
        keep(run, step.into, name, is_sensitive=False)
        run.goto(step.menu.choices[name].go or step.next or "return")
    elif isinstance(step, AskStep):
        keep(run, step.into, pending.value, is_sensitive=step.sensitive)
        run.goto(_exit(step, pending) or step.next or "return")


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


def _obey(run: Run, name: str, held: Input) -> None:
    """Carry a command out."""
    step = open_step(run)
    own = getattr(step, "own_commands", {}).get(name)
    command = own or run.flow.commands.get(name) or Command(go=name)  # "help" needs no command in the flow
    if command.language:
        run.change_language(command.language)
    if command.go == "help" and "help" not in run.flow.steps:
        _help(run, held)
        return
    if command.go != "repeat":
        run.state.form = None
    frames.go_in(run, len(run.state.frames) if own else run.commands_depth, command.go)


def _help(run: Run, held: Input) -> None:
    """Say the help for this time, and ask again; that is no failed attempt."""
    count, texts, waiting = held.help_count + 1, waiting_of(run).help, waiting_of(run)
    run.state.input = Input(attempt=held.attempt, started_at_s=run.at_s, help_count=count)
    lead = texts[min(count, len(texts)) - 1] if texts else None
    said = run.said(lead) if lead else NOTHING_SAID
    ask(run, said.segments, said.text, only_lead=bool(said.segments) and not waiting.reprompt)
