"""What a flow is, once read: frozen models, one class per kind of step.

The models say what each key may hold; rules that need the whole flow (targets, reachability, clashes of words) are in
`ivr.flow.check`. Positions in the file are kept beside the model by `ivr.flow.loader`, never inside it.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StringConstraints, model_validator

from ivr.flow.marks import Condition, Mark, Target, Template, TemplateValue
from ivr.language_tags import primary_language
from ivr.units import Duration
from ivr.written import Shape, also, one_or_list, written

BUILT_IN_TARGETS = ("repeat", "back", "hang_up")
"""Targets that every flow has: the current step again, the input step before it, the end of the call."""

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

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class PromptItem(Part):
    """Text, by language (the empty tag means every language), or a recording."""

    text: dict[str, Template] = Field(default_factory=dict)
    play: str | None = None
    """A file below `sounds/`."""
    pause: Duration | None = None


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
    if isinstance(value, dict) and value and not set(value) & {"text", "play", "pause"}:
        return {"text": value}
    if isinstance(value, PromptItem | dict):
        return value
    raise ValueError("a prompt is text, a text per language, a file below sounds/, or a list of these")


class Prompt(Part):
    """What the bot says: items played one after the other."""

    items: tuple[Annotated[PromptItem, BeforeValidator(_prompt_item)], ...]

    @model_validator(mode="before")
    @classmethod
    @written(lambda inner: one_or_list(inner["properties"]["items"]))
    def _from_yaml(cls, value: Any) -> Any:
        if isinstance(value, Prompt) or (isinstance(value, dict) and "items" in value):
            return value
        return {"items": value if isinstance(value, list | tuple) else [value]}


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
        raise ValueError("words are a list of phrases, or such a list per language")

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
    max_speech_duration: Duration | None = None
    max_attempts: Annotated[int, Field(ge=1, le=10)] | None = None
    barge_in: BargeIn | None = None
    confidence: Confidence | None = None
    confirm: Confirm | None = None
    confirm_prompt: Prompt | None = None
    """May use `{{ heard }}`, what was understood, ready to be spoken."""
    no_input: PromptList | None = None
    no_match: PromptList | None = None
    reprompt: StrictBool | None = None
    """Whether the step's own prompt follows a no_input or no_match text."""
    failed: Target | None = None
    """Where to go after `max_attempts`."""


class Defaults(InputSettings):
    """The flow's own defaults; what it leaves out is filled in from here."""

    first_input_timeout: Duration = 6.0
    inter_digit_timeout: Duration = 2.0
    final_silence: Duration = 0.7
    max_speech_duration: Duration = 15.0
    max_attempts: Annotated[int, Field(ge=1, le=10)] = 3
    barge_in: BargeIn = "any"
    confidence: Confidence = Confidence()
    confirm: Confirm = "low_confidence"
    reprompt: StrictBool = True


class Step(Part):
    """A step of any kind. `action` names the key that makes it what it is."""

    action: ClassVar[str]
    next: Target | None = None


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


AskType = Literal["digits", "number", "yes_no", "choice"]


class AskStep(InputStep):
    """Asks for a value and keeps it."""

    action: ClassVar[str] = "ask"
    ask: AskType
    prompt: Prompt
    keys_prompt: Prompt | None = None
    into: Into
    length: Annotated[int, Field(ge=1, le=40)] | None = None
    """Digits: exactly so many."""
    min_length: Annotated[int, Field(ge=1, le=40)] | None = None
    max_length: Annotated[int, Field(ge=1, le=40)] | None = None
    terminator: Literal["#", "*", ""] = "#"
    """Key that ends an entry; empty for none."""
    minimum: int | None = None
    """Number: smallest value taken."""
    maximum: int | None = None
    choices: dict[StepName, Choice] | None = None
    confirmed: Target | None = None
    """yes_no: where "yes" leads; `next` when empty."""
    denied: Target | None = None
    """yes_no: where "no" leads; `next` when empty."""
    sensitive: StrictBool = False


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


class Flow(Part):
    """One dialog, whole."""

    flow: StepName
    """Its name."""
    language: LanguageTag = "en-US"
    languages: tuple[LanguageTag, ...] = ()
    """Further languages that a call can change to, besides those of `commands`."""
    purpose: Literal["service", "research", "sales"] = "service"
    start: Annotated[StepName, Mark.TARGET]
    defaults: Defaults = Defaults()
    commands: dict[StepName, Command] = Field(default_factory=dict)
    variables: dict[VariableName, Any] = Field(default_factory=dict)
    steps: dict[StepName, Step]
    """Each of a kind of `ivr.flow.steps.registry`; the loader reads them."""
    on_error: Target | None = None
    """Where a call goes when a prompt cannot be spoken."""
    version: str = Field("", init=False)
    """Content hash, filled in by the loader."""
