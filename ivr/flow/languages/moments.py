"""What a language makes of spoken days and times, before it is known which day it is today."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ivr.immutable import immutable


@immutable
class DayMonth:
    """A day of the calendar; what is None was not said."""

    day: int
    month: int | None = None
    year: int | None = None
    """Two digits stand for a year of this century or the last one."""
    weekday: int | None = None
    """Monday is 0."""


@immutable
class Weekday:
    """A day of the week, Monday is 0."""

    weekday: int
    weeks: int = 0
    """So many weeks after the one meant without it."""
    is_last: bool = False
    """The last one past."""
    in_next_week: bool = False
    """Of the calendar week that follows this one."""


@immutable
class InDays:
    """So many days from today; negative for the past."""

    days: int


@immutable
class InMonths:
    """So many months from today; negative for the past."""

    months: int


SpokenDay = DayMonth | Weekday | InDays | InMonths


@immutable
class SpokenTime:
    """A time of day."""

    hour: int
    minute: int = 0
    half: str = ""
    """`am`, `pm`, `night`; `24` where the hour was said in a way that leaves no doubt; else it is one of two."""


LONGEST_PHRASE_WORDS = 4
"""Words that are looked up together."""

Token = tuple[str, Any]
"""A letter for what it is, and its value."""

Rule = tuple[str, Callable[..., Any]]
"""A pattern of letters, and what is made of the values of its groups."""


def tokens_of(
    words: Sequence[str], phrases: Mapping[str, Token], other: Callable[[Sequence[str]], tuple[Token, int]]
) -> list[Token] | None:
    """The words as tokens: the longest of `phrases` at each place, else what `other` makes of the rest of the words.

    `other` gives a token and how many words it takes, 0 for words that mean nothing here; then the answer is None.
    A phrase whose letter is empty is left out.
    """
    found: list[Token] = []
    at = 0
    while at < len(words):
        sizes = range(min(LONGEST_PHRASE_WORDS, len(words) - at), 0, -1)
        size = next((size for size in sizes if " ".join(words[at : at + size]) in phrases), 0)
        token, used = (phrases[" ".join(words[at : at + size])], size) if size else other(words[at:])
        if not used:
            return None
        if token[0]:
            found.append(token)
        at += used
    return found


def first_rule(tokens: Sequence[Token], rules: Sequence[Rule]) -> Any:
    """What the first rule whose pattern fits all tokens makes of them; None where none does, or it makes nothing."""
    letters = "".join(letter for letter, _ in tokens)
    for pattern, make in rules:
        if re.fullmatch(pattern, letters):
            made = make(*(value for _, value in tokens if value is not None))
            if made is not None:
                return made
    return None


def year_of(*numbers: int) -> int | None:
    """A year said in one number ("two thousand twenty six") or two ("nineteen", "eighty four"); None for others."""
    if len(numbers) == 2 and numbers[0] in (19, 20) and numbers[1] < 100:
        return numbers[0] * 100 + numbers[1]
    if len(numbers) == 1 and (1900 <= numbers[0] <= 2199 or numbers[0] < 100):
        return numbers[0]
    return None


def day_month(day: int, month: int | None, *year: int, weekday: int | None = None) -> DayMonth | None:
    """A day of the calendar, where the numbers can be one."""
    spoken_year = year_of(*year) if year else None
    if not 1 <= day <= 31 or (month is not None and not 1 <= month <= 12) or (year and spoken_year is None):
        return None
    return DayMonth(day, month, spoken_year, weekday)
