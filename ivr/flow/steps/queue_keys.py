"""Keys of a caller who waits for an agent: the step's own exits, the call back, and commands of the flow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ivr.flow import templates
from ivr.flow.model import Flow
from ivr.flow.parts import Command
from ivr.flow.run import Run
from ivr.flow.steps.queue_model import QueueStep
from ivr.flow.templates import TemplateFailed
from ivr.flow.values.phone import can_be_called
from ivr.immutable import immutable
from ivr.language_tags import country_of


@immutable
class Meaning:
    """What keys are for."""

    key: str
    """One, or several for a command (`##`)."""
    goes_to: str = ""
    """The step that they lead to; empty for the call back."""
    command: str = ""
    """Name of the command; empty for keys of the step."""


def commands_in(flow: Flow, step: QueueStep) -> dict[str, Command]:
    """The commands that can be keyed here."""
    names = flow.commands if step.commands is None else step.commands
    return {name: flow.commands[name] for name in names if name in flow.commands and flow.commands[name].keys}


def meanings(flow: Flow, step: QueueStep) -> Iterator[Meaning]:
    """Everything that can be pressed; what comes first counts."""
    yield from (Meaning(key, target) for key, target in step.keys.items())
    if step.queue.callback_key:
        yield Meaning(step.queue.callback_key)
    for name, command in commands_in(flow, step).items():
        yield Meaning(command.keys or "", command.go, name)


def meant(flow: Flow, step: QueueStep) -> Mapping[str, Meaning]:
    """Keys to what they are for."""
    found: dict[str, Meaning] = {}
    for meaning in meanings(flow, step):
        found.setdefault(meaning.key, meaning)
    return found


def number_to_call(run: Run, step: QueueStep) -> str | None:
    """Where the caller wants to be called back, in the international form; None where nobody can or should be."""
    written = step.queue.callback_number or "{{ call.from }}"
    try:
        number = templates.render(written, run.variables, run.state.language).strip()
    except TemplateFailed as error:
        run.note_failure("prompt", str(error))
        return None
    return can_be_called(number, country_of(run.state.language))
