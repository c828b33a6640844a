"""What a flow is, once read: frozen models, one class per kind of step.

The models say what each key may hold; rules that need the whole flow (targets, reachability, clashes of words) are in
`ivr.flow.check`. Positions in the file are kept beside the model by `ivr.flow.loader`, never inside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StringConstraints

from ivr.config_section import all_defaults
from ivr.flow.marks import Condition, Mark, Target, TemplateValue
from ivr.flow.parts import (
    Choice,
    Command,
    Confidence,
    Into,
    LanguageTag,
    Part,
    Phrases,
    Prompt,
    PromptList,
    StepName,
    VariableName,
)
from ivr.units import Duration
from ivr.written import also, written

if TYPE_CHECKING:
    from ivr.flow.opened import Opened

BUILT_IN_TARGETS = ("repeat", "back", "help", "hang_up", "return")
"""Targets that every flow has: the current step again, the question before it, the step's help and then the step
again, the end of the call, the end of this flow, which is that of the call where no other flow runs it."""

BargeIn = Literal["none", "digits", "speech", "any", "match"]
Confirm = Literal["always", "low_confidence", "never"]


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
    """Key that ends an entry, and what is said freely; empty for none."""
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
    skipped: Target | None = None
    """Free: where the terminator leads before anything was said; `failed` when empty."""
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
        from ivr.flow.prompts import prompts_of, waits_in_queue
        from ivr.flow.template_rules import is_template

        texts = (text for prompt in prompts_of(self) for item in prompt.items for text in item.text.values())
        return waits_in_queue(self) or any(map(is_template, texts))

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
