"""Warnings: what works and still serves callers badly, or the law."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ivr.errors import Problem
from ivr.flow.checks.subject import Subject
from ivr.flow.grammar import normalized
from ivr.flow.model import AskStep, InputStep, MenuStep
from ivr.flow.parts import Choice
from ivr.flow.steps.queue_model import QueueStep
from ivr.flow.steps.record import RecordStep
from ivr.flow.steps.transfer_model import TransferStep
from ivr.flow.steps.video import VideoStep

MOST_CHOICES = 5
_TO_PERSONS = (TransferStep, QueueStep, VideoStep)

_SAYS_SO = {
    "en": re.compile(
        r"\b(automatic|automated|virtual|robot|bot|computer|machine|artificial|digital assistant)\b", re.I
    ),
    "de": re.compile(
        r"\b(automatisch\w*|automat|virtuell\w*|roboter|bot|computer|maschin\w*|künstlich\w*|sprachassistent\w*"
        r"|digital\w* assistent\w*|telefonassistent\w*)\b",
        re.I,
    ),
}

_SAYS_THAT_IT_RECORDS = {
    "en": re.compile(r"\b(record\w*|messages?|tone|beep|voice ?mail)\b", re.I),
    "de": re.compile(
        r"\b(aufnahme\w*|aufnehm\w*|aufgenommen|aufgezeichnet|aufzeichn\w*|nachricht\w*|signalton\w*|ton|piep\w*)\b",
        re.I,
    ),
}

_OPT_OUT = re.compile(
    r"\b(stop|opt out|unsubscribe|remove|do not call|don't call|not interested|no thanks"
    r"|abmelden|nicht mehr anrufen|kein interesse|austragen)\b"
)


def too_many_choices(subject: Subject) -> Iterator[Problem]:
    """A menu with more choices than people keep in mind."""
    for name, step in subject.listening_steps.items():
        if isinstance(step, MenuStep) and len(step.menu.choices) > MOST_CHOICES:
            message = f"{len(step.menu.choices)} choices; people keep {MOST_CHOICES} in mind: split the menu in two"
            yield subject.warning(("steps", name, "menu", "choices"), message, "too_many_choices", at_key=True)


def no_way_to_a_human(subject: Subject) -> Iterator[Problem]:
    """A flow in which no caller can get to a person."""
    if subject.is_part:
        return
    if not any(
        isinstance(subject.flow.steps[name], TransferStep | QueueStep | VideoStep) for name in subject.reachable
    ):
        message = (
            "no caller can get to a person here; add a `transfer` step, and a command or a choice that leads to it"
        )
        yield subject.warning(("flow",), message, "no_way_to_a_human")


def does_not_say_that_it_is_a_bot(subject: Subject) -> Iterator[Problem]:
    """A greeting that leaves the caller to find out that nobody is there."""
    first = _first_steps(subject)
    places = [place for place in subject.prompts if place.step in first and place.key in ("say", "prompt", "announce")]
    if subject.is_part or not places or any(item.play for place in places for item in place.prompt.items):
        return
    for tag in subject.languages[:1]:
        pattern = _SAYS_SO.get(tag.split("-")[0])
        texts = [text for place in places for _, written, text in subject.texts(place) if written in ("", tag, tag[:2])]
        if pattern and not any(pattern.search(text) for text in texts):
            message = (
                "the greeting does not say that a machine is speaking; add for example 'I am an automatic assistant'"
            )
            yield subject.warning(places[0].path, message, "does_not_say_that_it_is_a_bot")


def _first_steps(subject: Subject) -> set[str]:
    """Steps up to and with the first ones that listen."""
    seen: set[str] = set()
    waiting = [subject.flow.start]
    while waiting:
        name = waiting.pop()
        step = subject.flow.steps.get(name)
        if step is None or name in seen:
            continue
        seen.add(name)
        if not isinstance(step, InputStep | TransferStep | QueueStep):
            waiting += [edge.target for edge in subject.edges[name]]
    return seen


def records_without_saying_so(subject: Subject) -> Iterator[Problem]:
    """A caller who is recorded and was not told: an offence in many countries."""
    for place in subject.prompts:
        step = subject.flow.steps.get(place.step)
        if not isinstance(step, RecordStep) or place.key != "prompt":
            continue
        items = [item for prompt in (place.prompt, *place.prompt.by_count.values()) for item in prompt.items]
        if any(item.play for item in items):
            continue
        for tag in subject.languages:
            pattern = _SAYS_THAT_IT_RECORDS.get(tag.split("-")[0])
            texts = [text for item in items for written, text in item.text.items() if written in ("", tag, tag[:2])]
            if pattern and texts and not any(pattern.search(text) for text in texts):
                message = "the caller is recorded and not told so; say for example 'leave a message after the tone'"
                yield subject.warning(place.path, message, "records_without_saying_so")
                break


def no_opt_out(subject: Subject) -> Iterator[Problem]:
    """A sales or research flow that a caller cannot get out of for good."""
    purpose = subject.flow.purpose
    if purpose == "service":
        return
    said = [normalized(name.replace("_", " ")) for name in subject.flow.commands]
    said += [phrase for command in subject.flow.commands.values() for phrase in _phrases_of(command.say)]
    for step in subject.listening_steps.values():
        said += [phrase for command in subject.commands_of(step).values() for phrase in _phrases_of(command.say)]
        said += [phrase for choice in _choices(step) for phrase in _phrases_of(choice.say)]
    if not any(_OPT_OUT.search(phrase) for phrase in said):
        message = f"a {purpose} call needs a way to say no for good; add a command such as `stop: {{say: [stop]}}`"
        yield subject.warning(("purpose",), message, "no_opt_out")


def _choices(step: InputStep) -> list[Choice]:
    found = step.menu.choices if isinstance(step, MenuStep) else (isinstance(step, AskStep) and step.choices) or {}
    return list(found.values())


def _phrases_of(say: object) -> list[str]:
    by_language = getattr(say, "by_language", {})
    return [normalized(phrase) for group in by_language.values() for phrase in group]
