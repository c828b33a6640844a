"""Rules about steps that ask something: exits, choices, options that fit the kind of answer."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ivr.errors import Problem
from ivr.flow.checks.subject import Subject, ValuePlace
from ivr.flow.languages import LANGUAGES
from ivr.flow.marks import find_models
from ivr.flow.model import FormField, InputStep, MenuStep
from ivr.flow.parts import Choice, Confidence, PromptItem
from ivr.flow.steps.queue_model import QueueStep
from ivr.flow.steps.record import RecordReview
from ivr.flow.values.registry import KINDS
from ivr.model_errors import did_you_mean
from ivr.yaml_source import DataPath

_OPTIONS: dict[str, tuple[str, ...]] = {
    option: tuple(kind.name for kind in KINDS.values() if option in kind.options)
    for option in sorted({option for kind in KINDS.values() for option in kind.options})
}
"""Option of an `ask` to the kinds of answer that it belongs to."""

_PIN_LIKE = re.compile(
    r"\b(pin|pins|password|pass ?code|passphrase|cvv|cvc|tan|social security|security code|card number|credit card"
    r"|geheimzahl|kennwort|passwort|kartennummer|prüfziffer)\b"
)


def missing_exits(subject: Subject) -> Iterator[Problem]:
    """A question that does not say what happens when the answer does not come."""
    defaults = subject.flow.defaults
    for name, step in subject.listening_steps.items():
        if isinstance(step, RecordReview):  # made by the loader, with a standard sentence for either
            continue
        path: DataPath = ("steps", name)
        if step.failed is None and defaults.failed is None:
            message = (
                "nothing says where the caller goes after the last attempt; write `failed:` here or under defaults"
            )
            yield subject.error(path, message, "missing_failed", at_key=True)
        for key in ("no_input", "no_match"):
            if getattr(step, key) or getattr(defaults, key):
                continue
            what = f"nothing is said on {key}; write `{key}:` here or under defaults"
            if all(tag.split("-")[0] in LANGUAGES for tag in subject.languages):
                yield subject.warning(
                    path, f"{what} (a plain standard sentence is used)", f"missing_{key}", at_key=True
                )
            else:
                yield subject.error(path, what, f"missing_{key}", at_key=True)


def no_help(subject: Subject) -> Iterator[Problem]:
    """A way to help that nobody wrote."""
    asked = (*subject.listening_steps.values(), *(place.asked for place in subject.values))
    if subject.flow.defaults.help or any(each.help for each in asked) or "help" in subject.flow.steps:
        return
    for path, target in subject.references:
        if target == "help":
            message = "there is no help to be said; write `help:` in the steps that have one, or under defaults"
            yield subject.error(subject.path_of((), *path), message, "no_help")


def unknown_command(subject: Subject) -> Iterator[Problem]:
    """A step that wants a command which the flow does not have."""
    known = subject.flow.commands
    for name, step in subject.flow.steps.items():
        named = step.commands if isinstance(step, InputStep | QueueStep) else None
        for index, command in enumerate(named or ()):
            if command not in known:
                hint = did_you_mean(command, known) or "add it under commands:"
                message = f"the flow has no command '{command}'; {hint}"
                yield subject.error(("steps", name, "commands", index), message, "unknown_command")


def _choice_lists(subject: Subject) -> Iterator[tuple[str, DataPath, dict[str, Choice]]]:
    for name, step in subject.listening_steps.items():
        if isinstance(step, MenuStep):
            yield name, ("steps", name, "menu", "choices"), step.menu.choices
    for place in subject.values:
        if place.asked.ask == "choice" and place.asked.choices_from is None:
            yield place.step, (*place.path, "choices"), place.asked.choices or {}


def choices(subject: Subject) -> Iterator[Problem]:
    """A menu without choices, a choice that nobody can make, a choice that leads nowhere."""
    for name, path, found in _choice_lists(subject):
        step = subject.flow.steps[name]
        if not found:
            yield subject.error(
                path, "there are no choices; write at least one below `choices:`", "no_choices", at_key=True
            )
        for key, choice in found.items():
            where = (*path, key)
            if choice.keys is None and not _is_sayable(choice, subject):
                message = f"nobody can choose '{key}'; give it `keys:` or `say:`"
                yield subject.error(where, message, "silent_choice", at_key=True)
            if isinstance(step, MenuStep) and choice.go is None and step.next is None:
                message = f"'{key}' leads nowhere; write `go:` here, or `next:` for the whole step"
                yield subject.error(where, message, "choice_without_go", at_key=True)
            if not isinstance(step, MenuStep) and choice.go is not None:
                message = "`go` belongs to a menu; keep the answer with `into:` and branch with `when`"
                yield subject.error((*where, "go"), message, "option_does_not_fit", at_key=True)


def _is_sayable(choice: Choice, subject: Subject) -> bool:
    return choice.say is not None and all(choice.say.for_language(tag) for tag in subject.languages)


def commands(subject: Subject) -> Iterator[Problem]:
    """A command that nobody can give."""
    for name, command in subject.flow.commands.items():
        if command.keys is None and not (command.say and any(command.say.for_language(t) for t in subject.languages)):
            message = "nobody can give this command; write `keys:` or `say:`"
            yield subject.error(("commands", name), message, "silent_command", at_key=True)


def ask_options(subject: Subject) -> Iterator[Problem]:
    """Options that do not fit the kind of answer, or each other."""
    for place in subject.values:
        yield from _misplaced(subject, place)
        for trouble in KINDS[place.asked.ask].troubles(place.asked):
            path = (*place.path, *trouble.place)
            yield subject.error(path, trouble.message, trouble.rule, at_key=trouble.at_key)


def _misplaced(subject: Subject, place: ValuePlace) -> Iterator[Problem]:
    for option, kinds in _OPTIONS.items():
        if option in place.asked.model_fields_set and place.asked.ask not in kinds:
            message = f"`{option}` belongs to `ask: {' or '.join(kinds)}`; remove it"
            yield subject.error((*place.path, option), message, "option_does_not_fit", at_key=True)


def confidence_bands(subject: Subject) -> Iterator[Problem]:
    """A confidence below which answers are refused that is above the one from which they are taken."""
    places: list[tuple[DataPath, Confidence | None]] = [(("defaults", "confidence"), subject.flow.defaults.confidence)]
    places += [(("steps", name, "confidence"), step.confidence) for name, step in subject.listening_steps.items()]
    places += [((*place.path, "confidence"), place.asked.confidence) for place in subject.values if _is_field(place)]
    for path, found in places:
        if found is not None and found.reject > found.accept:
            message = f"reject {found.reject} is more than accept {found.accept}; exchange them"
            yield subject.error(path, message, "empty_range")


def _is_field(place: ValuePlace) -> bool:
    return isinstance(place.asked, FormField)


def pin_without_sensitive(subject: Subject) -> Iterator[Problem]:
    """A question for a PIN or card number whose answer would be written into the records."""
    for place in subject.values:
        step, name = place.asked, str(place.path[-1])
        if step.sensitive or step.ask in ("yes_no", "choice", "date", "time", "rating", "phone"):
            continue
        said = [text for _, item in find_models(step.prompt, PromptItem) for text in item.text.values()]
        asked = " ".join([place.into.replace("_", " "), name.replace("_", " "), *said]).lower()
        if found := _PIN_LIKE.search(asked):
            message = f"this asks for a secret ({found[0]}) that would be recorded; add `sensitive: true`"
            yield subject.error(place.path, message, "pin_without_sensitive", at_key=True)
