"""The pieces that a flow's steps are made of: names, prompts, phrases, choices.

The models say what each key may hold, and in which short forms it may be written.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from ivr.flow.marks import Mark, Target, Template
from ivr.flow.segments import Emphasis, Rate
from ivr.language_tags import primary_language
from ivr.units import Duration
from ivr.written import Shape, also, one_or_list, written

if TYPE_CHECKING:
    from ivr.flow.prompts import Said

StepName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
VariableName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Into = Annotated[VariableName, Mark.INTO]
"""The variable that takes what a step found out."""
LANGUAGE_PATTERN = r"^[a-z]{2}(-[A-Z]{2})?$"
LanguageTag = Annotated[str, StringConstraints(pattern=LANGUAGE_PATTERN)]


@written({"type": "string", "pattern": "^[0-9*#]+$"})
def _quoted_keys(value: object) -> object:
    """Refuse `keys: 1`: a bare number loses its leading zeros and cannot hold `*` or `#`."""
    if not isinstance(value, str):
        raise ValueError(f'keys are written in quotes; write "{value}"')
    if not value or set(value) - set("0123456789*#"):
        raise ValueError(f"{value!r} are not telephone keys; use 0 to 9, * and #")
    return value


Keys = Annotated[str, BeforeValidator(_quoted_keys)]


class Part(BaseModel):
    """A piece of a flow; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, defer_build=True)


@written(also({"type": "string", "minLength": 1}))
def _text_by_language(value: object) -> object:
    return {"": value} if isinstance(value, str) else value


class PromptItem(Part):
    """Text, by language (the empty tag means every language), or a recording."""

    text: Annotated[dict[str, Template], BeforeValidator(_text_by_language)] = Field(default_factory=dict)
    play: str | None = None
    """A file below `sounds/`."""
    pause: Duration | None = None
    rate: Rate | None = None
    """How fast the text is spoken."""
    emphasis: Emphasis | None = None
    """How much weight it has."""


def _item_shape(inner: Shape) -> Shape:
    by_language = {
        "type": "object",
        "patternProperties": {LANGUAGE_PATTERN: {"type": "string"}},
        "minProperties": 1,
        "description": "Text by language.",
    }
    text = {"type": "string", "minLength": 1, "description": "Text, spoken, or a recording below sounds/."}
    return {"anyOf": [text, inner, by_language]}


@written(_item_shape)
def _prompt_item(value: object) -> object:
    if isinstance(value, str):
        return {"play": value} if value.startswith("sounds/") else {"text": {"": value}}
    if isinstance(value, dict) and value and not set(value) & set(PromptItem.model_fields):
        return {"text": value}
    if isinstance(value, PromptItem | dict):
        return value
    raise ValueError("this is no prompt; write text, a text per language, a file below sounds/, or a list of these")


Count = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]?$")]


def _prompt_shape(inner: Shape) -> Shape:
    once = one_or_list(inner["properties"]["items"])
    by_count = {
        "type": "object",
        "patternProperties": {"^[1-9][0-9]*$": once},
        "required": ["1"],
        "additionalProperties": False,
    }
    return {"anyOf": [*once["anyOf"], by_count]}


class Prompt(Part):
    """What the bot says: items played one after the other; or one prompt for the first time, another for later ones."""

    items: tuple[Annotated[PromptItem, BeforeValidator(_prompt_item)], ...] = ()
    by_count: dict[Count, Prompt] = Field(default_factory=dict)
    """From which time on which prompt is said (VoiceXML 2.1 §4.1.6, `count`); the last repeats."""

    @model_validator(mode="before")
    @classmethod
    @written(_prompt_shape)
    def _from_yaml(cls, value: Any) -> Any:
        if isinstance(value, Prompt) or (isinstance(value, dict) and set(value) & {"items", "by_count"}):
            return value
        if isinstance(value, dict) and value and all(key.isdecimal() for key in value):
            return {"by_count": value}
        return {"items": value if isinstance(value, list | tuple) else [value]}

    @model_validator(mode="after")
    def _counts_from_one(self) -> Prompt:
        if self.by_count and "1" not in self.by_count:
            raise ValueError("nothing is said the first time; write it under 1")
        if any(later.by_count for later in self.by_count.values()):
            raise ValueError("a prompt for one time cannot have others inside; write their numbers side by side")
        return self

    @cached_property
    def said(self) -> dict[str, Said | None]:
        """What `ivr.flow.prompts.fixed` has worked out of it, by language."""
        return {}

    def for_count(self, count: int) -> Prompt:
        """The prompt for the first time, the second, and so on."""
        if not self.by_count:
            return self
        return self.by_count[max((key for key in self.by_count if int(key) <= max(count, 1)), key=int)]


@written(one_or_list)
def _prompt_list(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]


PromptList = Annotated[tuple[Prompt, ...], BeforeValidator(_prompt_list)]
"""One prompt per attempt; the last repeats."""


def _phrases_shape(inner: Shape) -> Shape:
    group = one_or_list({"type": "array", "items": {"type": "string", "minLength": 1}})
    by_language = {"type": "object", "patternProperties": {LANGUAGE_PATTERN: group}}
    return {"anyOf": [*group["anyOf"], by_language]}


class Phrases(Part):
    """Words that a caller may say, by language (the empty tag means every language)."""

    by_language: dict[str, tuple[str, ...]]

    @model_validator(mode="before")
    @classmethod
    @written(_phrases_shape)
    def _from_yaml(cls, value: Any) -> Any:
        if isinstance(value, Phrases) or (isinstance(value, dict) and "by_language" in value):
            return value
        if isinstance(value, str):
            value = [value]
        if isinstance(value, list | tuple):
            return {"by_language": {"": value}}
        if isinstance(value, dict):
            return {"by_language": {tag: [v] if isinstance(v, str) else v for tag, v in value.items()}}
        raise ValueError("these are no words; write a list of phrases, or such a list per language")

    def for_language(self, language: str) -> tuple[str, ...]:
        """The phrases of a language tag ("en-US" finds "en-US", then "en", then those of every language)."""
        own = self.by_language.get(language) or self.by_language.get(primary_language(language)) or ()
        return own + self.by_language.get("", ())


class Command(Part):
    """Something that a caller may ask for in every listening step (a universal)."""

    keys: Keys | None = None
    say: Phrases | None = None
    go: Target = "repeat"
    language: LanguageTag | None = None


class Choice(Part):
    """One way to answer a menu or a `choice` question."""

    keys: Keys | None = None
    say: Phrases | None = None
    go: Target | None = None
    """Menu only; the step's `next` when empty."""


class Confidence(Part):
    """Bands of recognition confidence: accept, confirm, reject."""

    accept: float = Field(0.7, ge=0, le=1)
    """From here on the answer is taken as it is."""
    reject: float = Field(0.35, ge=0, le=1)
    """Below this it counts as not understood."""
