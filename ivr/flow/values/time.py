"""A time of day: "half past three", "three thirty p m", "halb vier"; keyed as HHMM; kept as "HH:MM"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import time

from ivr.flow import speaking
from ivr.flow.digits import DigitRules
from ivr.flow.languages.moments import SpokenTime
from ivr.flow.model import ValueSettings
from ivr.flow.values.base import Asked, Kind, Reading, Trouble
from ivr.flow.values.limits import is_time_limit, time_of_limit

NOON = 12


class Time(Kind):
    """Where the half of the day was not said, the limits decide, else the caller is asked."""

    name = "time"
    options = ("earliest", "latest", "terminator")

    def entry(self, asked: Asked) -> DigitRules:
        return DigitRules(3, 4, asked.settings.terminator)

    def words(self, asked: Asked) -> tuple[str, ...]:
        return asked.language.calendar.time_words

    def from_keys(self, asked: Asked, typed: str) -> Reading | None:
        hour, minute = int(typed[:-2]), int(typed[-2:])
        return self._reading(asked, [(hour, minute)]) if hour < 24 and minute < 60 else None

    def from_speech(self, asked: Asked, words: Sequence[str]) -> Reading | None:
        found = asked.language.calendar.read_time(words)
        return self._reading(asked, [(hour, found.minute) for hour in hours_of(found)]) if found else None

    def _reading(self, asked: Asked, possible: Sequence[tuple[int, int]]) -> Reading:
        moments = [time(hour, minute) for hour, minute in possible]
        allowed = [moment for moment in moments if not is_outside(asked.settings, moment)]
        texts = [f"{moment:%H:%M}" for moment in allowed or moments]
        if allowed and allowed[0].hour == NOON and not asked.settings.earliest and not asked.settings.latest:
            texts = texts[:1]  # twelve is noon, unless the limits say otherwise
        return Reading(texts[0], not allowed, others=tuple(texts[1:]) if allowed else ())

    def spoken(self, asked: Asked, value: object) -> str:
        return speaking.spoken_time(asked.tag, value)

    def troubles(self, settings: ValueSettings) -> Iterator[Trouble]:
        for key in ("earliest", "latest"):
            limit = getattr(settings, key)
            if limit is not None and not is_time_limit(limit):
                yield Trouble((key,), f"'{limit}' is no time of day; write for example \"08:00\"", "bad_limit", False)


def hours_of(spoken: SpokenTime) -> tuple[int, ...]:
    """The hours of the day that may be meant, the likeliest first."""
    hour = spoken.hour % NOON
    match spoken.half:
        case "24":
            return (spoken.hour,)
        case "am":
            return (hour,)
        case "pm":
            return (hour + NOON,)
        case "night":  # from eight in the evening to the small hours
            return (hour + NOON,) if 6 <= hour < NOON else (hour,)
        case _:
            return (hour + NOON, hour) if hour == 0 else (hour, hour + NOON)


def is_outside(settings: ValueSettings, moment: time) -> bool:
    """Whether a time lies outside the limits; those that go over midnight (22:00 to 06:00) leave out the day."""
    low, high = time_of_limit(settings.earliest), time_of_limit(settings.latest)
    if low and high and low > high:
        return high < moment < low
    return bool((low and moment < low) or (high is not None and moment > high))
