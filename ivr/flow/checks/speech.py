"""Rules about what the recognizer can hear."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ivr.errors import Problem
from ivr.flow.checks.subject import Subject
from ivr.flow.grammar import normalized
from ivr.flow.languages import LANGUAGES
from ivr.flow.model import FormField, MenuStep
from ivr.flow.parts import Choice, Command, Phrases
from ivr.flow.steps.models import LanguageStep
from ivr.flow.template_rules import is_template
from ivr.yaml_source import DataPath


def phrases_of(subject: Subject) -> Iterator[tuple[DataPath, Phrases]]:
    """Everything that the flow lets callers say, with its place."""
    for name, command in subject.flow.commands.items():
        if command.say:
            yield ("commands", name, "say"), command.say
    for step in subject.listening_steps.values():
        own: Mapping[str, Command] = getattr(step, "own_commands", {})
        for name, command in own.items():
            if command.say and name not in subject.flow.commands:
                yield ("commands", name, "say"), command.say
    for name, step in subject.listening_steps.items():
        if isinstance(step, MenuStep):
            yield from _of_choices(("steps", name, "menu", "choices"), step.menu.choices)
    for place in subject.values:
        yield from _of_choices((*place.path, "choices"), place.asked.choices or {})
        if place.asked.unit:
            yield (*place.path, "unit"), place.asked.unit
        if isinstance(place.asked, FormField) and place.asked.say:
            yield (*place.path, "say"), place.asked.say


def _of_choices(path: DataPath, choices: Mapping[str, Choice]) -> Iterator[tuple[DataPath, Phrases]]:
    for key, choice in choices.items():
        if choice.say:
            yield (*path, key, "say"), choice.say


def empty_phrases(subject: Subject) -> Iterator[Problem]:
    """Phrases without a word in them."""
    for path, phrases in phrases_of(subject):
        for tag, index, phrase in every_phrase(phrases):
            if not normalized(phrase):
                message = "there is no word in this phrase; write what callers say, or remove it"
                yield subject.error(subject.path_of(path, tag, index), message, "empty_phrase")


def every_phrase(phrases: Phrases) -> Iterator[tuple[str, int, str]]:
    """Language tag, place in its list, phrase."""
    for tag, group in phrases.by_language.items():
        for index, phrase in enumerate(group):
            yield tag, index, phrase


def applies(phrases: Phrases, tag: str, language: str) -> bool:
    """Whether the words under a tag are listened for in a language."""
    is_primary = tag == language.split("-")[0]
    return tag in ("", language) or (is_primary and not phrases.by_language.get(language))


def has_model(subject: Subject, language: str) -> bool:
    """Whether speech of a language is recognized; true where that is not known."""
    known = subject.context.languages_with_model
    return known is None or language.split("-")[0] in known


def language_without_model(subject: Subject) -> Iterator[Problem]:
    """A language of the flow in which callers can only use keys."""
    for language in subject.languages:
        if not has_model(subject, language):
            message = (
                f"there is no speech model for {language}, callers can only use keys; get one with `ivr models install`"
            )
            yield subject.warning(_where(subject, language), message, "no_model")
        if language.split("-")[0] not in LANGUAGES:
            message = (
                f"yes, no and numbers in {language} are not known, English ones are used; ask with `choice` instead"
            )
            yield subject.warning(_where(subject, language), message, "language_not_known")


def language_by_template(subject: Subject) -> Iterator[Problem]:
    """A `language` that is chosen by a value, in a flow that has one language only."""
    for name, step in subject.flow.steps.items():
        if isinstance(step, LanguageStep) and is_template(step.language) and len(subject.languages) == 1:
            message = "the flow has one language, and this chooses among several; write them under languages:"
            yield subject.error(("steps", name, "language"), message, "language_by_template")


def _where(subject: Subject, language: str) -> DataPath:
    flow = subject.flow
    if language in flow.languages:
        return ("languages", flow.languages.index(language))
    names = (name for name, command in flow.commands.items() if command.language == language)
    name = next(names, None)
    return ("language",) if language == flow.language or name is None else ("commands", name, "language")
