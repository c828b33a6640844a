"""What a kind of value is: the words and keys that give one, how it is read back, which settings it has.

A kind is a module here with a subclass of `Kind` and a line in `ivr.flow.values.registry`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from datetime import datetime

from ivr.flow.digits import DigitRules
from ivr.flow.grammar import normalized
from ivr.flow.languages.base import Language
from ivr.flow.model import ValueSettings
from ivr.immutable import immutable
from ivr.yaml_source import DataPath

CHOICE = "choice:"
"""Meanings that begin so name one of several choices."""

SKIP = "skip"
"""Meaning of the key by which callers leave a question that they have nothing to say to."""


@immutable
class Asked:
    """One question, and the call that it is asked in."""

    settings: ValueSettings
    tag: str
    """Language of the call, such as "en-GB"."""
    language: Language
    now: datetime | None = None
    """Local time of the call; None where it is not known, and then no day can be reckoned from it."""
    variables: Mapping[str, object] = field(default_factory=dict)
    currency: str = "EUR"
    """What an amount is in where the question does not say."""


@immutable
class Reading:
    """A value in an utterance or a key entry."""

    value: object
    is_invalid: bool = False
    """Understood, and not allowed."""
    is_part: bool = False
    """More of it may follow in the next utterance; `value` is what was said of the entry so far."""
    others: tuple[object, ...] = ()
    """Further values that the same words may mean; the caller is asked which."""


@immutable
class Trouble:
    """A setting that cannot be right. `place` is the way to it from the step or field."""

    place: DataPath
    message: str
    rule: str
    at_key: bool = True


class Kind:
    """One kind of value. The methods are pure; what a kind does not say is as here."""

    name: str
    options: tuple[str, ...] = ()
    """Settings of an `ask` that belong to it."""
    is_free: bool = False
    """Whether callers may say anything."""
    is_spelled: bool = False
    """Whether it is said digit by digit, and `entry` tells when it is whole."""
    is_value: bool = True
    """Whether an utterance is read as a value; else one of `phrases` is looked for in it."""

    def entry(self, asked: Asked) -> DigitRules | None:
        """How keys make an entry; None where single keys choose."""
        return None

    def keys(self, asked: Asked) -> Mapping[str, str]:
        """Key sequence to meaning, where keys choose."""
        return {}

    def phrases(self, asked: Asked) -> Mapping[str, tuple[str, ...]]:
        """Meaning to the words for it, where words choose."""
        return {}

    def words(self, asked: Asked) -> tuple[str, ...]:
        """Words and phrases to listen for, besides `phrases`."""
        return ()

    def allows_unknown(self, asked: Asked) -> bool:
        """Whether the recognizer may answer "something else"."""
        return True

    def from_keys(self, asked: Asked, typed: str) -> Reading | None:
        """The value of a complete key entry; None where it is none."""
        return None

    def from_speech(self, asked: Asked, words: Sequence[str]) -> Reading | None:
        """The value of some words, all of which must belong to it; None where they do not."""
        said = list(words)
        found = {m for m, phrases in self.phrases(asked).items() for p in phrases if normalized(p).split() == said}
        return Reading(self.value_of(found.pop())) if len(found) == 1 else None

    def value_of(self, meaning: str) -> object:
        """What is kept for a meaning that was chosen."""
        return meaning.removeprefix(CHOICE)

    def spoken(self, asked: Asked, value: object) -> str:
        """How a value is read back."""
        return str(value)

    def troubles(self, settings: ValueSettings) -> Iterator[Trouble]:
        """Settings that cannot be right."""
        yield from ()


def without_edges(words: Sequence[str], fillers: frozenset[str]) -> list[str]:
    """The words without those at both ends that say nothing."""
    found = list(words)
    while found and found[0] in fillers:
        found.pop(0)
    while found and found[-1] in fillers:
        found.pop()
    return found


def empty_range(settings: ValueSettings) -> Iterator[Trouble]:
    """`minimum` above `maximum`."""
    low, high = settings.minimum, settings.maximum
    if low is not None and high is not None and low > high:
        yield Trouble(("minimum",), f"minimum {low} is more than maximum {high}; exchange them", "empty_range", False)


def is_outside(settings: ValueSettings, value: float) -> bool:
    """Whether a number lies outside `minimum` and `maximum`."""
    low = settings.minimum is not None and value < settings.minimum
    return low or (settings.maximum is not None and value > settings.maximum)
