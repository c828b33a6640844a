"""Parts of a language that need no grammar of their own: numbers out of num2words, days, times and money out of Babel.

They read what is said in its plain form ("vendredi", "le trois mai", "quinze heures trente"); a language that is used
much deserves readers of its own, as English and German have (`en_calendar.py`, `de_calendar.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, time
from functools import cache, partial

from ivr.flow.languages.base import Calendar, Currency, Money
from ivr.flow.languages.moments import (
    InDays,
    Rule,
    SpokenDay,
    SpokenTime,
    Token,
    Weekday,
    day_month,
    first_rule,
    tokens_of,
)

_YEAR = re.compile(r"[\s,]*('[^']*'\s*)?y+")
"""The year in a pattern of CLDR, with the word before it: "'de' y"."""

HIGHEST = 9999
"""Numbers are read up to here: years, house numbers; longer ones are said digit by digit."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.lower().replace("-", " ").replace("’", "'").split())


@cache
def _numbers(tag: str) -> Mapping[tuple[str, ...], int]:
    from num2words import num2words

    return {_words(num2words(number, lang=tag)): number for number in range(HIGHEST, -1, -1)}


def read_number(tag: str, words: Sequence[str]) -> int | None:
    """Whole number of words as num2words writes them; a plain run of digits is read digit by digit."""
    known = _numbers(tag)
    if (number := known.get(tuple(words))) is not None:
        return number
    digits = [known.get((word,), 10) for word in words]
    return int("".join(map(str, digits))) if words and max(digits) < 10 else None


def number_words(tag: str) -> tuple[str, ...]:
    """Every word of the numbers up to HIGHEST."""
    return tuple(dict.fromkeys(word for words in reversed(list(_numbers(tag))) for word in words))


def digits_of(tag: str) -> dict[str, str]:
    """Spoken digit to key."""
    return {words[0]: str(number) for words, number in _numbers(tag).items() if number < 10 and len(words) == 1}


def calendar_of(
    tag: str, *, today: str, tomorrow: str, day_fillers: Sequence[str], time_fillers: Sequence[str], hour: Sequence[str]
) -> Calendar:
    """Days ("today", a weekday, day and month, with or without year) and times ("fifteen hours thirty").

    `day_fillers` and `time_fillers` are words around them, `hour` the words between hour and minute.
    """
    phrases = _day_phrases(tag) | {
        **dict.fromkeys(day_fillers, ("", None)), today.lower(): ("O", 0), tomorrow.lower(): ("O", 1),
    }  # fmt: skip
    times: dict[str, Token] = {**dict.fromkeys(time_fillers, ("", None)), **dict.fromkeys(hour, ("h", None))}
    numbers = [word for word in number_words(tag) if (read_number(tag, [word]) or 0) < 100]
    return Calendar(
        date_words=(*(name for name, (letter, _) in phrases.items() if letter), *day_fillers, *number_words(tag)),
        read_date=partial(_read_date, tag, phrases),
        say_date=partial(_say_date, tag),
        time_words=(*times, *numbers),
        read_time=partial(_read_time, tag, times),
        say_time=partial(_say_time, hour[0]),
    )


def _day_phrases(tag: str) -> dict[str, Token]:
    from babel import Locale

    locale = Locale.parse(tag)
    found: dict[str, Token] = {}
    for place in ("format", "stand-alone"):
        found |= {str(name).lower(): ("W", day) for day, name in locale.days[place]["wide"].items()}
        found |= {str(name).lower(): ("M", month) for month, name in locale.months[place]["wide"].items()}
    return found


def _number_at(tag: str, words: Sequence[str]) -> tuple[Token, int]:
    known = _numbers(tag)
    for size in range(min(6, len(words)), 0, -1):
        if (number := known.get(tuple(words[:size]))) is not None:
            return ("N", number), size
    return ("", None), 0


_DATE_RULES: tuple[Rule, ...] = (
    ("O", InDays),
    ("W", Weekday),
    ("NMN?", lambda day, month, *year: day_month(day, month, *year)),
    ("WNMN?", lambda weekday, day, month, *year: day_month(day, month, *year, weekday=weekday)),
)


def _read_date(tag: str, phrases: Mapping[str, Token], words: Sequence[str], is_month_first: bool) -> SpokenDay | None:
    tokens = tokens_of(words, phrases, partial(_number_at, tag))
    found: SpokenDay | None = first_rule(tokens, _DATE_RULES) if tokens else None
    return found


def _say_date(tag: str, day: date, region: str, with_year: bool) -> str:
    from babel import Locale
    from babel.dates import format_date

    full = Locale.parse(tag).date_formats["full"].pattern
    return str(format_date(day, full if with_year else _YEAR.sub("", full), tag))


def _time(hour: int, minute: int = 0) -> SpokenTime | None:
    return SpokenTime(hour, minute, "24" if hour > 12 else "") if hour < 24 and minute < 60 else None


def _read_time(tag: str, phrases: Mapping[str, Token], words: Sequence[str]) -> SpokenTime | None:
    tokens = tokens_of(words, phrases, partial(_number_at, tag))
    found: SpokenTime | None = first_rule(tokens, (("Nh?N?", _time),)) if tokens else None
    return found


def _say_time(hour: str, moment: time, region: str) -> str:
    return f"{moment.hour} {hour}" + (f" {moment.minute}" if moment.minute else "")


def money_of(tag: str, codes: Sequence[str], *, joint: str, one: str) -> Money:
    """Amounts in currencies (ISO 4217), by Babel's names; `joint` stands between units and hundredths."""
    from babel.numbers import get_currency_name

    def named(code: str, count: int) -> str:
        return str(get_currency_name(code, count, tag)).lower()

    units = {code: (named(code, 1), named(code, 2)) for code in codes}
    return Money(
        currencies={code: Currency(unit, ("cent", "cents"), unit, ("cent", "cents")) for code, unit in units.items()},
        point=(),
        joins=frozenset({joint}),
        ones=frozenset({one}),
        one=one,
        say=partial(_say_money, joint),
    )


def _say_money(joint: str, units: str, cents: str) -> str:
    return f"{units} {joint} {cents}" if units and cents else units or cents
