"""A mark on a scale: 1 to 5, 0 to 10."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ivr.flow import speaking
from ivr.flow.digits import DigitRules
from ivr.flow.grammar import spoken_number
from ivr.flow.model import ValueSettings
from ivr.flow.values.base import Asked, Kind, Reading, Trouble

DEFAULT_SCALE = (1, 5)
HIGHEST_MARK = 10


class Rating(Kind):
    """By key or word; kept as a number. Marks beyond the scale can be heard, and are not taken."""

    name = "rating"
    options = ("scale", "terminator")

    def entry(self, asked: Asked) -> DigitRules:
        low, high = scale_of(asked.settings)
        marks = tuple(str(mark) for mark in range(low, high + 1))
        return DigitRules(1, len(str(high)), asked.settings.terminator, options=marks)

    def words(self, asked: Asked) -> tuple[str, ...]:
        return asked.language.words_of_numbers(HIGHEST_MARK)

    def from_keys(self, asked: Asked, typed: str) -> Reading:
        return self._reading(asked, int(typed))

    def from_speech(self, asked: Asked, words: Sequence[str]) -> Reading | None:
        number = spoken_number(" ".join(words), asked.language)
        return None if number is None else self._reading(asked, number)

    def _reading(self, asked: Asked, mark: int) -> Reading:
        low, high = scale_of(asked.settings)
        return Reading(mark, not low <= mark <= high)

    def spoken(self, asked: Asked, value: object) -> str:
        return speaking.number(asked.language.tag, value)

    def troubles(self, settings: ValueSettings) -> Iterator[Trouble]:
        low, high = scale_of(settings)
        if low >= high or high > HIGHEST_MARK:
            message = f"the scale {settings.scale} cannot be answered; write for example 1..5 or 0..10"
            yield Trouble(("scale",), message, "empty_range", False)


def scale_of(settings: ValueSettings) -> tuple[int, int]:
    """Lowest and highest mark."""
    if settings.scale is None:
        return DEFAULT_SCALE
    low, _, high = settings.scale.partition("..")
    return int(low), int(high)
