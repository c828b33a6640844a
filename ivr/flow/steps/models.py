"""Models of the steps that lead from one flow to another, and of those that do their work without a word."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, model_validator

from ivr.flow.marks import Mark, Target, TemplateValue
from ivr.flow.model import Step
from ivr.flow.parts import Into, Part, StepName, VariableName
from ivr.flow.template_rules import is_template
from ivr.written import also, written


class RunStep(Step):
    """Runs another flow and goes on by its outcome."""

    action: ClassVar[str] = "run"
    run: StepName
    """Name of the flow."""
    given: dict[VariableName, TemplateValue] = Field(default_factory=dict, alias="with")
    """Values for variables of that flow."""
    into: Into | dict[Into, VariableName] | None = None
    """One variable for all its values together, or a variable of this flow for each."""
    outcomes: dict[StepName, Target] = Field(default_factory=dict)
    """Exits by outcome; in the file they are keys beside `run`."""

    @model_validator(mode="before")
    @classmethod
    def _outcomes_beside(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "outcomes" in value:
            return value
        known = {field.alias or name for name, field in cls.model_fields.items()}
        outcomes = {key: item for key, item in value.items() if key not in known and isinstance(item, str)}
        rest = {key: item for key, item in value.items() if key not in outcomes}
        return {**rest, "outcomes": outcomes}


class Return(Part):
    """How a flow ends that was run by another."""

    outcome: StepName | None = None
    """Which exit beside `run` is taken; `next` when empty."""
    values: dict[VariableName, TemplateValue] = Field(default_factory=dict)


@written(also({"const": True}))
def _true_is_plain(value: object) -> object:
    return {} if value is True else value


class ReturnStep(Step):
    """Goes back to the flow that ran this one."""

    action: ClassVar[str] = "return"
    give_back: Annotated[Return, BeforeValidator(_true_is_plain)] = Field(alias="return")


_TAG = re.compile(r"[a-z]{2}(-[A-Z]{2})?")


@written({"type": "string"})
def _tag_or_template(value: object) -> object:
    if isinstance(value, str) and not is_template(value) and not _TAG.fullmatch(value):
        raise ValueError(f"{value!r} is not a language; write a tag such as en-US or de")
    return value


class LanguageStep(Step):
    """Changes the language of the call."""

    action: ClassVar[str] = "language"
    language: Annotated[str, BeforeValidator(_tag_or_template), Mark.TEMPLATE]
    """A tag, or a template that becomes one of the flow's languages."""


@written(lambda inner: {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}, inner]})
def _tags(value: object) -> object:
    if isinstance(value, str):
        return {value: True}
    if isinstance(value, list):
        if not all(isinstance(item, str) for item in value):
            raise ValueError("a list of tags holds names only; write `name: value` lines for tags with values")
        return dict.fromkeys(value, True)
    return value


class TagStep(Step):
    """Marks the call's record."""

    action: ClassVar[str] = "tag"
    tag: Annotated[dict[StepName, TemplateValue], BeforeValidator(_tags)]
