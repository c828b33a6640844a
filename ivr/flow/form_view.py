"""A form as the question that it asks right now: an `ask` made of one of its fields, or of the form itself."""

from __future__ import annotations

from functools import lru_cache

from ivr.flow.languages import language_for
from ivr.flow.model import AskStep, FormField, FormStep, InputSettings, ValueSettings
from ivr.flow.parts import Choice, Phrases, Prompt, PromptItem
from ivr.flow.state import Draft, FormProgress

_SETTINGS = tuple(InputSettings.model_fields)
_VALUE = tuple(ValueSettings.model_fields)


def view(step: FormStep, state: Draft) -> AskStep:
    """The question that is open."""
    progress = state.form or first(step, state.step)
    if progress.stage == "whole":
        return _whole(step)
    if progress.stage == "change":
        return _change(step, state.language)
    asked = _field(step, progress.asked)
    if progress.is_opening and step.form.prompt is not None:
        keys_prompt = asked.keys_prompt or asked.prompt
        return asked.model_copy(update={"prompt": step.form.prompt, "keys_prompt": keys_prompt})
    return asked


def first(step: FormStep, name: str) -> FormProgress:
    """A form that has just been opened."""
    return FormProgress(name, next(iter(step.form.fields)))


def confirms_whole(step: FormStep) -> bool:
    """Whether all answers are read back together."""
    if step.confirm is not None:
        return step.confirm != "never"
    return step.confirm_prompt is not None


def variable_of(name: str, field: FormField) -> str:
    """The variable that takes a field."""
    return field.into or name


def names_of(name: str, field: FormField, tag: str) -> tuple[str, ...]:
    """What callers call a field, in the language of the call."""
    return field.say.for_language(tag) if field.say else (name.replace("_", " "),)


def field_ask(step: FormStep, name: str) -> AskStep:
    """A field as an `ask`; what it leaves open is the form's."""
    return _field(step, name)


def _field(step: FormStep, name: str) -> AskStep:
    return _fields(_ById(step))[name]


class _ById:
    """Lets a model, which cannot be hashed, be remembered by what it is."""

    __slots__ = ("step",)

    def __init__(self, step: FormStep) -> None:
        self.step = step

    def __hash__(self) -> int:
        return id(self.step)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ById) and other.step is self.step


@lru_cache(maxsize=512)
def _fields(by_id: _ById) -> dict[str, AskStep]:
    step = by_id.step
    return {name: _as_ask(step, name, field) for name, field in step.form.fields.items()}


def _as_ask(step: FormStep, name: str, field: FormField) -> AskStep:
    values = {key: getattr(field, key) for key in (*_SETTINGS, *_VALUE)}
    for key in _SETTINGS:
        if values[key] is None and key not in ("confirm", "confirm_prompt"):
            values[key] = getattr(step, key)
    if values["confirm"] is None and confirms_whole(step):
        values["confirm"] = "never"  # the whole is confirmed
    return AskStep.model_construct(
        **values,
        prompt=field.prompt,
        keys_prompt=field.keys_prompt,
        into=variable_of(name, field),
        sensitive=field.sensitive,
        commands=step.commands,
        empty=field.empty,
        next=step.next,
    )


def _whole(step: FormStep) -> AskStep:
    shared = {key: getattr(step, key) for key in _SETTINGS}
    nothing = Prompt(items=())
    sensitive = any(field.sensitive for field in step.form.fields.values())
    return AskStep.model_construct(
        **shared, ask="yes_no", prompt=nothing, into="", commands=step.commands, sensitive=sensitive
    )


def _change(step: FormStep, tag: str) -> AskStep:
    shared = {key: getattr(step, key) for key in _SETTINGS} | {"confirm": "never"}
    prompt = step.form.change_prompt or Prompt(items=(PromptItem(text={"": language_for(tag).change_what}),))
    sensitive = any(field.sensitive for field in step.form.fields.values())
    choices = {
        name: Choice(keys=str(number), say=field.say or Phrases(by_language={"": (name.replace("_", " "),)}))
        for number, (name, field) in enumerate(step.form.fields.items(), 1)
    }
    return AskStep.model_construct(
        **shared, ask="choice", choices=choices, prompt=prompt, into="", commands=step.commands, sensitive=sensitive
    )
