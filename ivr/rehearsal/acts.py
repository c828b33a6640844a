"""What a caller does in a conversation that tests a flow, one class per verb. Plain values, read from YAML."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from ivr.flow.grammar import normalized
from ivr.flow.parts import Keys, LanguageTag, Part, VariableName
from ivr.units import Duration
from ivr.written import also, written

CLEARLY = 0.95
"""Confidence of what is said, unless the line gives another."""

Share = Annotated[float, Field(ge=0, le=1)]


def _words(value: object) -> object:
    if isinstance(value, str) and not normalized(value):
        raise ValueError("there is nothing to say or hear in it; write words")
    return value


Place = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(/[a-z][a-z0-9_]*)*$")]
"""A step; `order/ask_number` for one of a flow that the step `order` runs."""

Words = Annotated[str, BeforeValidator(_words)]


def _has_words(said: str, words: str) -> bool:
    return f" {normalized(words)} " in f" {normalized(said)} "


def _pattern(value: object) -> object:
    try:
        re.compile(str(value))
    except re.error as error:
        raise ValueError(
            f"the pattern cannot be read ({error}); correct it, or write the words without `matches`"
        ) from error
    return value


class Act(Part):
    """One line of a conversation."""

    verb: ClassVar[str]
    short: ClassVar[str] = ""
    """The key that a bare value stands for."""
    is_callers: ClassVar[bool] = True
    """Whether the caller does something; else the line only looks."""

    @model_validator(mode="before")
    @classmethod
    @written(also({"type": ["string", "number", "boolean", "array"]}))
    def _from_short(cls, value: Any) -> Any:
        return value if isinstance(value, dict) or not cls.short else {cls.short: value}

    @property
    def shown(self) -> str:
        """The line as a person would write it, without its verb."""
        return str(getattr(self, self.short))


class Hear(Act):
    """The bot says this before it is the caller's turn."""

    verb: ClassVar[str] = "hear"
    short: ClassVar[str] = "text"
    is_callers: ClassVar[bool] = False
    text: Words | None = None
    matches: Annotated[str, BeforeValidator(_pattern)] | None = None
    """Regular expression, for what changes from call to call."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.text is None) == (self.matches is None):
            raise ValueError("say what the bot says: a text, or `matches:` with a regular expression")
        return self

    @property
    def shown(self) -> str:
        """The words, or the pattern between slashes."""
        return f'"{self.text}"' if self.text is not None else f"/{self.matches}/"

    def is_in(self, said: str) -> bool:
        """Whether a prompt has it. Capitals, punctuation and spacing do not matter to words."""
        if self.matches is not None:
            return re.search(self.matches, said, re.IGNORECASE) is not None
        return _has_words(said, self.text or "")


class DoNotHear(Act):
    """The bot has its say, and this is not in it."""

    verb: ClassVar[str] = "do_not_hear"
    short: ClassVar[str] = "text"
    is_callers: ClassVar[bool] = False
    text: Words

    @property
    def shown(self) -> str:
        """The words."""
        return f'"{self.text}"'

    def is_in(self, said: str) -> bool:
        """Whether a prompt has it after all."""
        return _has_words(said, self.text)


class Say(Act):
    """The caller speaks, once the bot has finished."""

    verb: ClassVar[str] = "say"
    short: ClassVar[str] = "text"
    text: Words
    confidence: Share = CLEARLY


class Press(Act):
    """The caller presses keys, once the bot has finished."""

    verb: ClassVar[str] = "press"
    short: ClassVar[str] = "keys"
    keys: Keys
    every: Duration = 0.3
    """From one key to the next."""


class StaySilent(Act):
    """Nothing, for so long after the bot has finished."""

    verb: ClassVar[str] = "stay_silent"
    short: ClassVar[str] = "lasting"
    lasting: Duration

    @property
    def shown(self) -> str:
        """The time."""
        return f"{self.lasting:g}s"


class Wait(StaySilent):
    """Time passes, whoever speaks."""

    verb: ClassVar[str] = "wait"


class MakeNoise(StaySilent):
    """Something that is taken for speech and has no words."""

    verb: ClassVar[str] = "make_noise"


class Interrupt(Act):
    """The caller speaks, or presses keys, while the bot speaks."""

    verb: ClassVar[str] = "interrupt"
    after: Duration = 0.5
    """Since the bot began."""
    say: Words | None = None
    press: Keys | None = None
    confidence: Share = CLEARLY

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.say is None) == (self.press is None):
            raise ValueError("say how the caller interrupts: with `say: …` or with `press: …`")
        return self

    @property
    def shown(self) -> str:
        """How."""
        return f"after {self.after:g}s, {f'say {self.say}' if self.say else f'press {self.press}'}"


class HangUp(Act):
    """The caller leaves, at once."""

    verb: ClassVar[str] = "hang_up"
    short: ClassVar[str] = "now"
    now: bool = True


class TransferEnds(Act):
    """The transfer in progress ends like this."""

    verb: ClassVar[str] = "transfer_ends"
    short: ClassVar[str] = "outcome"
    outcome: Literal[
        "connected",
        "busy",
        "no_answer",
        "refused",
        "unknown",
        "unreachable",
        "not_accepted",
        "failed",
        "after",
        "returned",
    ]


class Reach(Act):
    """The flow comes to this step before it is the caller's turn."""

    verb: ClassVar[str] = "reach"
    short: ClassVar[str] = "step"
    is_callers: ClassVar[bool] = False
    step: Place


class ExpectLanguage(Act):
    """The call is in this language now."""

    verb: ClassVar[str] = "expect_language"
    short: ClassVar[str] = "language"
    is_callers: ClassVar[bool] = False
    language: LanguageTag


class ExpectVariables(Act):
    """The flow knows this now."""

    verb: ClassVar[str] = "expect_variables"
    is_callers: ClassVar[bool] = False
    variables: dict[VariableName, Any]

    @model_validator(mode="before")
    @classmethod
    def _from_short(cls, value: Any) -> Any:
        return value if isinstance(value, dict) and set(value) == {"variables"} else {"variables": value}

    @property
    def shown(self) -> str:
        """Names and values."""
        return ", ".join(f"{name}: {value}" for name, value in self.variables.items())


VERBS: dict[str, type[Act]] = {
    kind.verb: kind
    for kind in (
        Hear,
        Say,
        Press,
        StaySilent,
        Interrupt,
        HangUp,
        DoNotHear,
        Reach,
        Wait,
        MakeNoise,
        TransferEnds,
        ExpectLanguage,
        ExpectVariables,
    )
}
"""Key of a line to its class. Spaces may stand for the underscores."""
