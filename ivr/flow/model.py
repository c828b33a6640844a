"""What a flow is, once read: frozen models, one class per kind of step.

The models say what each key may hold; rules that need the whole flow (targets, reachability, clashes of words) are in
`ivr.flow.check`. Positions in the file are kept beside the model by `ivr.flow.loader`, never inside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    model_validator,
)

from ivr.config_section import all_defaults
from ivr.flow.marks import Condition, Mark, Target, Template, TemplateValue
from ivr.flow.segments import Emphasis, Rate
from ivr.language_tags import primary_language
from ivr.units import Duration
from ivr.written import Shape, also, one_or_list, written

if TYPE_CHECKING:
    from ivr.flow.opened import Opened
    from ivr.flow.prompts import Said

BUILT_IN_TARGETS = ("repeat", "back", "help", "hang_up", "return")
"""Targets that every flow has: the current step again, the question before it, the step's help and then the step
again, the end of the call, the end of this flow, which is that of the call where no other flow runs it."""

StepName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
VariableName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Into = Annotated[VariableName, Mark.INTO]
"""The variable that takes what a step found out."""
LANGUAGE_PATTERN = r"^[a-z]{2}(-[A-Z]{2})?$"
LanguageTag = Annotated[str, StringConstraints(pattern=LANGUAGE_PATTERN)]
BargeIn = Literal["none", "digits", "speech", "any", "match"]
Confirm = Literal["always", "low_confidence", "never"]


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


class InputSettings(Part):
    """How a listening step waits, and what it does when nothing usable comes. Empty = the flow's default."""

    first_input_timeout: Duration | None = None
    inter_digit_timeout: Duration | None = None
    final_silence: Duration | None = None
    complete_silence: Duration | None = None
    incomplete_silence: Duration | None = None
    max_speech_duration: Duration | None = None
    max_attempts: Annotated[int, Field(ge=1, le=10)] | None = None
    barge_in: BargeIn | None = None
    confidence: Confidence | None = None
    confirm: Confirm | None = None
    confirm_prompt: Prompt | None = None
    """May use `{{ heard }}`, what was understood, ready to be spoken."""
    no_input: PromptList | None = None
    no_match: PromptList | None = None
    invalid: PromptList | None = None
    """Said instead of `no_match` when a value was understood and is not allowed."""
    help: PromptList | None = None
    """Said to callers who ask for help, one for each time; then it is asked again."""
    reprompt: StrictBool | None = None
    """Whether the step's own prompt follows a no_input or no_match text."""
    failed: Target | None = None
    """Where to go after `max_attempts`."""


class Defaults(InputSettings):
    """The flow's own defaults; what it leaves out is filled in from here."""

    first_input_timeout: Duration = 6.0
    inter_digit_timeout: Duration = 2.0
    final_silence: Duration = 0.7
    complete_silence: Duration = 0.35
    incomplete_silence: Duration = 1.2
    max_speech_duration: Duration = 15.0
    max_attempts: Annotated[int, Field(ge=1, le=10)] = 3
    barge_in: BargeIn = "any"
    confidence: Confidence = all_defaults()
    confirm: Confirm = "low_confidence"
    reprompt: StrictBool = True


class Step(Part):
    """A step of any kind. `action` names the key that makes it what it is."""

    action: ClassVar[str]
    next: Target | None = None
    on_error: Target | None = None
    """Where a call goes, once, when something of ours breaks in this step; the flow's `on_error` when empty."""


class SayStep(Step):
    """Says something and goes on."""

    action: ClassVar[str] = "say"
    say: Prompt
    barge_in: BargeIn | None = None


class InputStep(Step, InputSettings):
    """A step that listens: common part of `menu` and `ask`."""

    commands: tuple[str, ...] | None = None
    """Names of the flow's commands that are heard here; all when empty, none for `[]`."""


class Menu(Part):
    """Prompt and choices of a menu."""

    prompt: Prompt
    keys_prompt: Prompt | None = None
    """Said instead when speech cannot be recognized."""
    choices: dict[StepName, Choice]


class MenuStep(InputStep):
    """Offers choices; each leads somewhere."""

    action: ClassVar[str] = "menu"
    menu: Menu
    into: Into | None = None
    """Variable that takes the name of the choice."""


AskType = Literal[
    "digits", "number", "yes_no", "choice", "date", "time", "amount", "phone", "rating", "free"
]  # fmt: skip


def _whole(value: float) -> float:
    return int(value) if value.is_integer() else value


Number = Annotated[float, AfterValidator(_whole)]
"""A whole number stays one."""


@written({"type": "string"})
def _limit(value: object) -> object:
    return value.isoformat() if isinstance(value, date | time) else value


Limit = Annotated[str, BeforeValidator(_limit)]
"""A date, `today`, `+30d`, or a time of day."""


class ValueSettings(Part):
    """What is asked for, and the settings of its kind: each belongs to some kinds only (`ivr.flow.values`)."""

    ask: AskType
    length: Annotated[int, Field(ge=1, le=40)] | None = None
    """Digits: exactly so many."""
    min_length: Annotated[int, Field(ge=1, le=40)] | None = None
    max_length: Annotated[int, Field(ge=1, le=40)] | None = None
    terminator: Literal["#", "*", ""] = "#"
    """Key that ends an entry; empty for none."""
    minimum: Number | None = None
    """Number and amount: smallest value taken."""
    maximum: Number | None = None
    unit: Phrases | None = None
    """Number: words that may go with it ("people", "pieces")."""
    choices: dict[StepName, Choice] | None = None
    choices_from: VariableName | None = None
    """Choice: variable with the list to choose from."""
    confirmed: Target | None = None
    """yes_no: where "yes" leads; `next` when empty."""
    denied: Target | None = None
    """yes_no: where "no" leads; `next` when empty."""
    earliest: Limit | None = None
    """Date and time: the first that is taken."""
    latest: Limit | None = None
    future: StrictBool | None = None
    """Date: whether a day without a year is the next one to come (as when empty) or the last one past."""
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = None
    """Amount: its currency (ISO 4217); the flow's when empty."""
    keyed: Literal["point", "cents"] | None = None
    """Amount: whether `*` is the decimal point of keys (as when empty), or keys are cents."""
    region: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None
    """Phone: country of numbers without a country code; that of the language when empty."""
    scale: Annotated[str, StringConstraints(pattern=r"^\d{1,2}\.\.\d{1,2}$")] | None = None
    """Rating: lowest and highest mark; `1..5` when empty."""
    max_words: Annotated[int, Field(ge=1, le=500)] | None = None
    """Free: what was said beyond so many words is cut off."""


class AskStep(InputStep, ValueSettings):
    """Asks for a value and keeps it."""

    action: ClassVar[str] = "ask"
    prompt: Prompt
    keys_prompt: Prompt | None = None
    into: Into
    empty: Target | None = None
    """`choices_from`: where an empty list leads; `failed` when empty."""
    sensitive: StrictBool = False


class FormField(InputSettings, ValueSettings):
    """One value of a form."""

    prompt: Prompt
    keys_prompt: Prompt | None = None
    into: Into | None = None
    """Variable that takes it; one named as the field when empty."""
    say: Phrases | None = None
    """What callers call it, when they want it changed; its name when empty."""
    empty: Target | None = None
    """`choices_from`: where an empty list leads, out of the form; `failed` when empty."""
    sensitive: StrictBool = False


class Form(Part):
    """What a form asks."""

    prompt: Prompt | None = None
    """Opens it: one sentence may answer several fields."""
    fields: dict[StepName, FormField]
    change_prompt: Prompt | None = None
    """Asks what is to be changed, after a "no" to the whole."""


class FormStep(InputStep):
    """Asks for several values, in one sentence or one after the other, and has them confirmed together."""

    action: ClassVar[str] = "form"
    form: Form


class SetStep(Step):
    """Gives variables values; text is a template."""

    action: ClassVar[str] = "set"
    set: dict[VariableName, TemplateValue]


class Branch(Part):
    """One line of a `when`: the first whose condition holds is taken."""

    condition: Condition | None = Field(None, alias="if")
    otherwise: Literal[True] | None = Field(None, alias="else")
    go: Target


class WhenStep(Step):
    """Goes where the first true condition says."""

    action: ClassVar[str] = "when"
    when: tuple[Branch, ...]


TransferMode = Literal["auto", "attended", "bridge", "refer"]


class Transfer(Part):
    """Whom to call and how."""

    to: str
    """Name of a target in the configuration."""
    mode: TransferMode = "auto"
    ring_for: Duration = 20.0
    hold: Prompt | None = None
    """Heard by the caller while it rings, again and again; a quiet tone when empty."""
    whisper: Prompt | None = None
    """Said to the person, before the caller is there."""
    announce: Prompt | None = None
    """Said to the caller before the dialing starts."""


class TransferStep(Step):
    """Hands the caller to a person; each failure has its exit, with the caller still there."""

    action: ClassVar[str] = "transfer"
    transfer: Transfer
    busy: Target | None = None
    no_answer: Target | None = None
    refused: Target | None = None
    unknown: Target | None = None
    unreachable: Target | None = None
    failed: Target | None = None
    """Every failure that has no exit of its own."""


class HangUp(Part):
    """How to end the call."""

    status: Annotated[int, Field(ge=400, le=699)] | None = None
    """SIP status, when the call is refused before it is answered."""
    cause: Annotated[int, Field(ge=1, le=127)] | None = None
    """Q.850 cause for the Reason header."""


@written(also({"const": True}))
def _hang_up(value: object) -> object:
    return {} if value is True else value


class HangUpStep(Step):
    """Ends the call."""

    action: ClassVar[str] = "hang_up"
    hang_up: Annotated[HangUp, BeforeValidator(_hang_up)]


class AfterCall(Part):
    """What a flow does once the caller is gone."""

    go: Target
    """The first of some steps that need no caller."""
    always: StrictBool = False
    """Also when the bot hung up or a person took the caller over."""


@written(also({"type": "string"}))
def _after_call(value: object) -> object:
    return {"go": value} if isinstance(value, str) else value


class Flow(Part):
    """One dialog, whole."""

    flow: StepName
    """Its name."""
    language: LanguageTag = "en-US"
    languages: tuple[LanguageTag, ...] = ()
    """Further languages that a call can change to, besides those of `commands`."""
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = None
    """What money is in (ISO 4217) where nothing else is said; that of the region of `language` when empty."""
    purpose: Literal["service", "research", "sales"] = "service"
    answer: Literal["at_once", "later"] = "at_once"
    """`later`: the call rings, and a step `answer` answers it."""
    start: Annotated[StepName, Mark.TARGET]
    defaults: Defaults = all_defaults()
    commands: dict[StepName, Command] = Field(default_factory=dict)
    variables: dict[VariableName, Any] = Field(default_factory=dict)
    takes: tuple[VariableName, ...] = ()
    """Variables that whoever runs this flow must give; such a flow cannot be called by number."""
    steps: dict[StepName, Step]
    """Each of a kind of `ivr.flow.steps.registry`; the loader reads them."""
    on_error: Target | None = None
    """Where a call goes, once, when something of ours breaks."""
    on_hang_up: Annotated[AfterCall, BeforeValidator(_after_call)] | None = None
    """What is done without the caller when the call is over."""
    version: str = Field("", init=False)
    """Content hash, filled in by the loader."""

    @cached_property
    def opened(self) -> dict[str | tuple[str, ...], Opened]:
        """What `ivr.flow.opened` has worked out of its questions, for all calls."""
        return {}

    @cached_property
    def speaks_values(self) -> bool:
        """Whether any prompt has to be made in the call, because values are said in it."""
        from ivr.flow.prompts import prompts_of
        from ivr.flow.templates import is_template

        texts = (text for prompt in prompts_of(self) for item in prompt.items for text in item.text.values())
        return any(map(is_template, texts))

    @cached_property
    def with_commands_of(self) -> dict[str, tuple[Flow, Flow]]:
        """Flows that hear this flow's commands while it runs them, by name: as they are, and with the commands."""
        return {}

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy that remembers nothing of this flow."""
        copy = super().model_copy(update=update, deep=deep)
        for name in ("opened", "speaks_values", "with_commands_of"):
            copy.__dict__.pop(name, None)
        return copy
