"""Limits of dates and times as flows write them: "2026-12-31", `today`, `+30d`, `-18y`, "08:00"."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, time, timedelta

_AWAY = re.compile(r"([+-])(\d{1,4})([dwmy])")


def is_day_limit(text: str) -> bool:
    """Whether it is a day, or one reckoned from today."""
    try:
        return day_of_limit(text, date(2000, 1, 1)) is not None
    except ValueError:
        return False


def day_of_limit(text: str | None, today: date) -> date | None:
    """The day of a limit; None where there is none. Raises ValueError."""
    if text is None:
        return None
    if text == "today":
        return today
    away = _AWAY.fullmatch(text)
    if away is None:
        return date.fromisoformat(text)
    count = int(away[2]) * (-1 if away[1] == "-" else 1)
    match away[3]:
        case "d":
            return today + timedelta(count)
        case "w":
            return today + timedelta(7 * count)
        case "m":
            return add_months(today, count)
        case _:
            return add_months(today, 12 * count)


def add_months(day: date, months: int) -> date:
    """The same day of another month, its last day where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def time_of_limit(text: str | None) -> time | None:
    """The time of a limit; None where there is none. Raises ValueError."""
    return None if text is None else time.fromisoformat(text)


def is_time_limit(text: str) -> bool:
    """Whether it is a time of day."""
    try:
        return len(text) == 5 and time_of_limit(text) is not None
    except ValueError:
        return False
