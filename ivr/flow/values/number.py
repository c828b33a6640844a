"""A whole number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ivr.flow import speaking
from ivr.flow.digits import DigitRules
from ivr.flow.grammar import digit_words, normalized, spoken_number
from ivr.flow.model import ValueSettings
from ivr.flow.values.base import Asked, Kind, Reading, Trouble, empty_range, is_outside

LONGEST_NUMBER = 12


class Number(Kind):
    """ "one hundred and five", "two people" where the unit is known; or keyed."""

    name = "number"
    options = ("minimum", "maximum", "max_length", "terminator", "unit")

    def entry(self, asked: Asked) -> DigitRules:
        return DigitRules(1, asked.settings.max_length or LONGEST_NUMBER, asked.settings.terminator)

    def words(self, asked: Asked) -> tuple[str, ...]:
        return (*digit_words(asked.language), *_units(asked))

    def from_keys(self, asked: Asked, typed: str) -> Reading:
        return Reading(int(typed), is_outside(asked.settings, int(typed)))

    def from_speech(self, asked: Asked, words: Sequence[str]) -> Reading | None:
        said = list(words)
        for unit in _units(asked):
            length = len(unit.split())
            if said[-length:] == normalized(unit).split():
                said = said[:-length]
                break
        number = spoken_number(" ".join(said), asked.language)
        if number is None or len(str(number)) > self.entry(asked).max_length:
            return None
        return Reading(number, is_outside(asked.settings, number))

    def spoken(self, asked: Asked, value: object) -> str:
        return speaking.number(asked.language.tag, value)

    def troubles(self, settings: ValueSettings) -> Iterator[Trouble]:
        yield from empty_range(settings)
        longest = settings.max_length or LONGEST_NUMBER
        if settings.minimum is not None and len(str(int(settings.minimum))) > longest:
            message = f"a number of {longest} digits is never {settings.minimum} or more; correct one of them"
            yield Trouble(("minimum",), message, "empty_range", False)
        for key in ("minimum", "maximum"):
            limit = getattr(settings, key)
            if limit is not None and limit != int(limit):
                yield Trouble((key,), f"{limit} is no whole number; ask for an `amount`", "bad_limit", False)


def _units(asked: Asked) -> tuple[str, ...]:
    return asked.settings.unit.for_language(asked.tag) if asked.settings.unit else ()
