"""A day: "next Friday", "the third of May", "in two weeks"; keyed as day and month; kept as ISO text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, timedelta

from ivr.flow import speaking
from ivr.flow.digits import DigitRules
from ivr.flow.languages.moments import DayMonth, InDays, InMonths, SpokenDay, Weekday
from ivr.flow.model import ValueSettings
from ivr.flow.values.base import Asked, Kind, Reading, Trouble
from ivr.flow.values.limits import add_months, day_of_limit, is_day_limit
from ivr.language_tags import region_of

YEARS = range(1800, 2300)
"""Years that are keyed in on purpose."""

LEAP_CYCLE_YEARS = 8
"""29 February comes again within so many years."""


class Date(Kind):
    """By words, or by keys: DDMM or DDMMYYYY; MMDD where the month comes first."""

    name = "date"
    options = ("earliest", "latest", "future", "terminator")

    def entry(self, asked: Asked) -> DigitRules:
        return DigitRules(4, 8, asked.settings.terminator)

    def words(self, asked: Asked) -> tuple[str, ...]:
        return asked.language.calendar.date_words

    def from_keys(self, asked: Asked, typed: str) -> Reading | None:
        if len(typed) not in (4, 8):
            return None
        first, second = int(typed[:2]), int(typed[2:4])
        day, month = (second, first) if is_month_first(asked.tag) else (first, second)
        year = int(typed[4:]) if len(typed) == 8 else None
        if not 1 <= month <= 12 or not 1 <= day <= 31 or (year is not None and year not in YEARS):
            return None
        return self._reading(asked, DayMonth(day, month, year))

    def from_speech(self, asked: Asked, words: Sequence[str]) -> Reading | None:
        found = asked.language.calendar.read_date(words, is_month_first(asked.tag))
        return self._reading(asked, found) if found is not None else None

    def _reading(self, asked: Asked, spoken: SpokenDay) -> Reading | None:
        today, is_future = _today(asked), asked.settings.future
        days = possible_days(spoken, today, is_future)
        if not days:
            return None
        if today is not None and isinstance(spoken, DayMonth) and spoken.year is None:
            days = _in_direction(asked, days, today) or days
        allowed = next((day for day in days if not _is_outside(asked, day)), None)
        return Reading((allowed or days[0]).isoformat(), is_invalid=allowed is None)

    def spoken(self, asked: Asked, value: object) -> str:
        return speaking.spoken_date(asked.tag, value, _today(asked))

    def troubles(self, settings: ValueSettings) -> Iterator[Trouble]:
        for key in ("earliest", "latest"):
            limit = getattr(settings, key)
            if limit is not None and not is_day_limit(limit):
                message = f"'{limit}' is no day; write for example \"2026-12-31\", today, +30d or -18y"
                yield Trouble((key,), message, "bad_limit", False)
                return
        low, high = (day_of_limit(limit, date(2000, 1, 1)) for limit in (settings.earliest, settings.latest))
        kinds = {limit[:4].isdigit() for limit in (settings.earliest, settings.latest) if limit}
        if low and high and len(kinds) == 1 and low > high:
            message = f"no day is from {settings.earliest} to {settings.latest}; exchange or correct them"
            yield Trouble(("earliest",), message, "empty_range", False)


def is_month_first(tag: str) -> bool:
    """Whether numbers alone are month and day: in the United States."""
    return region_of(tag) == "US"


def _today(asked: Asked) -> date | None:
    return asked.now.date() if asked.now else None


def _is_outside(asked: Asked, day: date) -> bool:
    today = _today(asked) or day
    low, high = (day_of_limit(limit, today) for limit in (asked.settings.earliest, asked.settings.latest))
    return (low is not None and day < low) or (high is not None and day > high)


def _in_direction(asked: Asked, days: list[date], today: date) -> list[date]:
    """The days in the preferred direction; those in the other one where the limits leave nothing else."""
    low, high = (day_of_limit(limit, today) for limit in (asked.settings.earliest, asked.settings.latest))
    if asked.settings.future is not False:
        return days if high is not None and high <= today else [day for day in days if day >= today]
    return days if low is not None and low >= today else [day for day in days if day < today]


def possible_days(spoken: SpokenDay, today: date | None, is_future: bool | None) -> list[date]:
    """The days that words may mean, the likeliest first; none for a day that does not exist."""
    if isinstance(spoken, DayMonth) and spoken.year is not None and spoken.year >= 100:
        return _days_of_year(spoken, spoken.year)
    if today is None:
        return []
    match spoken:
        case InDays(days):
            return [today + timedelta(days)] if abs(days) < 36_500 else []
        case InMonths(months):
            return [add_months(today, months)] if abs(months) < 1200 else []
        case Weekday():
            return [_weekday(spoken, today, is_future is not False)]
        case DayMonth():
            return _without_year(spoken, today, is_future)


def _days_of_year(spoken: DayMonth, year: int) -> list[date]:
    months = [spoken.month] if spoken.month else range(1, 13)
    found = []
    for month in months:
        with suppress(ValueError):
            found.append(date(year, month, spoken.day))
    return [day for day in found if spoken.weekday is None or day.weekday() == spoken.weekday]


def _without_year(spoken: DayMonth, today: date, is_future: bool | None) -> list[date]:
    """Days that fit, the nearest in the preferred direction first, then those in the other."""
    if spoken.year is not None:  # two digits
        century = today.year // 100 * 100
        years: Sequence[int] = (century + spoken.year, century - 100 + spoken.year)
    else:  # a day of the week that does not fit this time around was heard wrong
        reach = 1 if spoken.weekday is not None else LEAP_CYCLE_YEARS
        years = range(today.year - reach, today.year + reach + 1)
    days = [day for year in years for day in _days_of_year(spoken, year)]
    if spoken.year is not None and is_future is None:
        return sorted(days, key=lambda day: abs(day - today))
    ahead = sorted(day for day in days if day >= today)
    past = sorted((day for day in days if day < today), reverse=True)
    return past + ahead if is_future is False else ahead + past


def _weekday(spoken: Weekday, today: date, is_future: bool) -> date:
    if spoken.in_next_week:
        monday = today + timedelta(7 - today.weekday())
        return monday + timedelta(spoken.weekday + 7 * spoken.weeks)
    ahead = (spoken.weekday - today.weekday() - 1) % 7 + 1
    if spoken.is_last or not (is_future or spoken.weeks):
        return today - timedelta((today.weekday() - spoken.weekday - 1) % 7 + 1)
    return today + timedelta(ahead + 7 * spoken.weeks)
