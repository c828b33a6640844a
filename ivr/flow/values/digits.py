"""Digits: account numbers, PINs, postal codes. Kept as text, so that leading zeros stay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ivr.flow import speaking
from ivr.flow.digits import DigitRules
from ivr.flow.grammar import digit_words, spoken_digits
from ivr.flow.model import ValueSettings
from ivr.flow.values.base import Asked, Kind, Reading, Trouble

LONGEST_ENTRY = 40
"""Most digits that any question takes."""

LONGEST_ENTRY_WITH_UNKNOWN = 2
"""Up to so many digits the recognizer may answer "something else"; longer strings tend to collapse into it."""


class Digits(Kind):
    """Spoken in any grouping ("double five", "twelve thirty four"), over several utterances, or keyed."""

    name = "digits"
    is_spelled = True
    options = ("length", "min_length", "max_length", "terminator")

    def entry(self, asked: Asked) -> DigitRules:
        return rules_of(asked.settings)

    def words(self, asked: Asked) -> tuple[str, ...]:
        return digit_words(asked.language)

    def allows_unknown(self, asked: Asked) -> bool:
        return rules_of(asked.settings).max_length <= LONGEST_ENTRY_WITH_UNKNOWN

    def from_keys(self, asked: Asked, typed: str) -> Reading:
        return Reading(typed)

    def from_speech(self, asked: Asked, words: Sequence[str]) -> Reading | None:
        digits = spoken_digits(" ".join(words), asked.language)
        return Reading(digits, is_part=True) if digits else None

    def spoken(self, asked: Asked, value: object) -> str:
        return speaking.digits(asked.language.tag, value)

    def troubles(self, settings: ValueSettings) -> Iterator[Trouble]:
        if settings.length is None and settings.max_length is None:
            message = "nothing says how many digits there are; write `length:` or `max_length:`"
            yield Trouble(("ask",), message, "unbounded_digits", False)
        for key in ("min_length", "max_length"):
            if settings.length is not None and getattr(settings, key) is not None:
                yield Trouble((key,), f"`length` says it already; remove it or `{key}`", "length_twice")
        if (settings.min_length or 0) > (settings.max_length or LONGEST_ENTRY):
            message = f"min_length {settings.min_length} is more than max_length {settings.max_length}; exchange them"
            yield Trouble(("min_length",), message, "empty_range", False)


def rules_of(settings: ValueSettings) -> DigitRules:
    """How long an entry may be."""
    shortest = settings.length or settings.min_length or 1
    return DigitRules(shortest, settings.length or settings.max_length or LONGEST_ENTRY, settings.terminator)
