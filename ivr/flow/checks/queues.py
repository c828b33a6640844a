"""Rules about steps in which callers wait for an agent."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from ivr.errors import Problem
from ivr.flow.checks.queue_context import QueueContext
from ivr.flow.checks.subject import Subject
from ivr.flow.commands import ACCEPT_KEY
from ivr.flow.steps.queue_keys import Meaning, meanings
from ivr.flow.steps.queue_model import QueueStep
from ivr.model_errors import did_you_mean
from ivr.yaml_source import DataPath


def _queues(subject: Subject) -> Iterator[tuple[str, QueueStep]]:
    for name, step in subject.flow.steps.items():
        if isinstance(step, QueueStep):
            yield name, step


def _in_settings(subject: Subject) -> Iterator[tuple[str, QueueStep, QueueContext]]:
    for name, step in _queues(subject):
        if subject.context.queues is not None and step.queue.name in subject.context.queues:
            yield name, step, subject.context.queues[step.queue.name]


def unknown_queue(subject: Subject) -> Iterator[Problem]:
    """A queue that the settings do not have."""
    known = subject.context.queues
    for name, step in _queues(subject):
        if known is not None and step.queue.name not in known:
            hint = did_you_mean(step.queue.name, sorted(known)) or "add it under queues: of the settings"
            message = f"there is no queue '{step.queue.name}'; {hint}"
            yield subject.error(subject.path_of(("steps", name, "queue"), "name"), message, "unknown_queue")


def queue_without_exits(subject: Subject) -> Iterator[Problem]:
    """A wait that says nothing about what happens when no agent comes."""
    for name, step in _queues(subject):
        if step.failed is None:
            message = "nothing says where the caller goes when the queue cannot be reached; add `failed:`"
            yield subject.error(("steps", name, "queue"), message, "queue_without_exits", at_key=True)
        if step.queue.callback_key and step.callback is None:
            message = "nothing says what the caller hears who will be called back; add `callback:`"
            yield subject.error(("steps", name, "queue", "callback_key"), message, "queue_without_exits", at_key=True)


def queue_options(subject: Subject) -> Iterator[Problem]:
    """Options and exits of a wait that mean nothing, or not together."""
    for name, step in _queues(subject):
        for key, message in (*_about_calling_back(step), *_about_accepting(step), *_about_coming_back(step)):
            is_exit = key in type(step).model_fields
            place = ("steps", name, key) if is_exit else ("steps", name, "queue", key)
            yield subject.error(place, message, "queue_options", at_key=True)


def _about_calling_back(step: QueueStep) -> Iterator[tuple[str, str]]:
    """The key that is wrong, and what to do about it."""
    if step.queue.callback_key is None:
        if step.callback:
            yield "callback", "nothing leads here; write a `callback_key`, or remove `callback`"
        if step.queue.callback_number:
            yield "callback_number", "nobody is called back here; write a `callback_key`, or remove `callback_number`"


def _about_accepting(step: QueueStep) -> Iterator[tuple[str, str]]:
    needs_key = step.queue.accept == "key"
    if needs_key and step.queue.whisper is None:
        yield "accept", "nobody tells the agent to press 1; add a `whisper` that asks for it"
    if not needs_key and step.queue.accept_within:
        message = "`accept_within` is for agents who have to press a key; write `accept: key`, or remove it"
        yield "accept_within", message


def _about_coming_back(step: QueueStep) -> Iterator[tuple[str, str]]:
    key = step.queue.return_key
    if step.returned and not key:
        yield "returned", "nothing leads here; write a `return_key`, or remove `returned`"
    if key and not (step.returned or step.after):
        yield "return_key", "nothing says where the caller goes who is sent back; add `returned:` to the step"
    if key == ACCEPT_KEY and step.queue.accept == "key":
        yield "return_key", f"{ACCEPT_KEY} is the key that takes the call; write another one"


def queue_keys(subject: Subject) -> Iterator[Problem]:
    """Two meanings of one key of a waiting caller, or a key that begins a longer one."""
    for name, step in _queues(subject):
        seen: dict[str, Meaning] = {}
        for meaning in meanings(subject.flow, step):
            begun = next((key for key in seen if meaning.key.startswith(key) or key.startswith(meaning.key)), None)
            if begun is None:
                seen[meaning.key] = meaning
                continue
            other = seen[begun]
            what = "is also" if begun == meaning.key else "cannot be pressed beside"
            remedy = "use another, or leave the command out with `commands:`" if meaning.command else "use another"
            own = meaning.key if begun == meaning.key else f'"{meaning.key}"'
            message = f"the key {own} {what} {_called(other)} ({name}); {remedy}"
            yield subject.error(_place(name, meaning), message, "same_key")


def _called(meaning: Meaning) -> str:
    if meaning.command:
        return f"the command {meaning.command}"
    return f"the way to {meaning.goes_to}" if meaning.goes_to else "the callback_key"


def _place(name: str, meaning: Meaning) -> DataPath:
    if meaning.command:
        return ("commands", meaning.command, "keys")
    return ("steps", name, "keys", meaning.key) if meaning.goes_to else ("steps", name, "queue", "callback_key")


def queue_of_settings(subject: Subject) -> Iterator[Problem]:
    """What a queue of the settings never does, or a skill that it surely names otherwise."""
    for name, step, queue in _in_settings(subject):
        path: DataPath = ("steps", name)
        if step.queue.callback_key and not queue.calls_back:
            message = "this queue calls nobody back; say in the settings by what way (callback_via), or remove the key"
            yield subject.error((*path, "queue", "callback_key"), message, "queue_of_settings", at_key=True)
        for key, can_be, why in (
            ("full", queue.can_be_full, "any number may wait in this queue; set max_length"),
            ("too_long", queue.can_take_too_long, "nobody waits too long in this queue; set max_wait"),
        ):
            if getattr(step, key) and not can_be:
                message = f"{why} in the settings, or remove `{key}`"
                yield subject.warning((*path, key), message, "queue_of_settings", at_key=True)
        yield from _skills(subject, name, step, subject.context.queues or {})


def _skills(subject: Subject, name: str, step: QueueStep, queues: Mapping[str, QueueContext]) -> Iterator[Problem]:
    """Agents may have any skill; only what is nearly the same as a known one is doubted."""
    known = sorted(skill for queue in queues.values() for skill in queue.skills)
    for skill in step.queue.skills:
        near = [] if skill in known else difflib.get_close_matches(skill, known, n=1)
        if near:
            message = f"no queue of the settings asks for '{skill}'; did you mean '{near[0]}'?"
            yield subject.warning(("steps", name, "queue", "skills", skill), message, "queue_of_settings", at_key=True)
