"""English days and times, as callers say them and as they are read back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time

from ivr.flow.languages.moments import (
    DayMonth,
    InDays,
    InMonths,
    Rule,
    SpokenDay,
    SpokenTime,
    Token,
    Weekday,
    day_month,
    first_rule,
    tokens_of,
)

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_UNITS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
)  # fmt: skip


def _days() -> dict[str, int]:
    """Every way to say a day of the month as an ordinal."""
    days = {word: number for number, word in enumerate(_ORDINALS, 1)} | {"twentieth": 20, "thirtieth": 30}
    days |= {f"twenty {word}": 20 + number for number, word in enumerate(_ORDINALS[:9], 1)}
    days["thirty first"] = 31
    return days | {f"{day}{_suffix(day)}": day for day in range(1, 32)}


def _suffix(day: int) -> str:
    return "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def _small_numbers() -> dict[str, int]:
    """Numbers below a hundred, in words: never a run of digits, because 'eight oh five' is a time."""
    numbers = {word: number for number, word in enumerate(_UNITS, 1)} | {"zero": 0}
    numbers |= {word: 10 * number for number, word in enumerate(_TENS, 2)}
    return numbers | {
        f"{ten} {unit}": 10 * number + digit
        for number, ten in enumerate(_TENS, 2)
        for digit, unit in enumerate(_UNITS[:9], 1)
    }


_NUMBERS = _small_numbers()
_EDGES = ("on", "the", "of", "please", "for", "at", "and", "uh", "um", "it's", "make it", "about", "around", "by")

_DATE_PHRASES: dict[str, Token] = {
    **dict.fromkeys(_EDGES, ("", None)),
    **{word: ("W", number) for number, word in enumerate(WEEKDAYS)},
    **{word: ("M", number) for number, word in enumerate(MONTHS, 1)},
    **{word: ("D", number) for word, number in _days().items()},
    **{word: ("N", number) for word, number in _NUMBERS.items()},
    "today": ("O", 0), "tomorrow": ("O", 1), "day after tomorrow": ("O", 2), "yesterday": ("O", -1),
    "day before yesterday": ("O", -2), "tonight": ("O", 0),
    "next": ("n", None), "coming": ("n", None), "this": ("t", None), "this coming": ("t", None),
    "last": ("l", None), "past": ("l", None), "after next": ("x", None),
    "day": ("d", None), "days": ("d", None), "week": ("w", None), "weeks": ("w", None),
    "month": ("m", None), "months": ("m", None), "year": ("y", None), "years": ("y", None),
    "in": ("i", None), "from now": ("f", None), "from today": ("f", None), "from": ("f", None), "ago": ("a", None),
    "a": ("N", 1), "an": ("N", 1), "a couple of": ("N", 2), "a couple": ("N", 2), "oh": ("Z", None),
    "two thousand": ("N", 2000),
}  # fmt: skip


def _number(words: Sequence[str]) -> tuple[Token, int]:
    if words[0].isdigit() and len(words[0]) <= 4:
        return ("N", int(words[0])), 1
    return ("", None), 0


def _joined_years(tokens: list[Token]) -> list[Token]:
    """ "two thousand" and "twenty six" are one year, "oh five" is a number."""
    joined: list[Token] = []
    for letter, value in tokens:
        if letter == "N" and joined and joined[-1] == ("N", 2000) and value < 100:
            joined[-1] = ("N", 2000 + value)
        elif letter == "N" and joined and joined[-1][0] == "Z":
            joined[-1] = ("N", value)
        else:
            joined.append((letter, value))
    return joined


_DATE_RULES: tuple[Rule, ...] = (
    ("O", InDays),
    ("[nt]?W", Weekday),
    ("lW", lambda weekday: Weekday(weekday, is_last=True)),
    ("Wx", lambda weekday: Weekday(weekday, weeks=1)),
    ("Wnw|nwW", lambda weekday: Weekday(weekday, in_next_week=True)),
    ("Ww", lambda weekday: Weekday(weekday, weeks=1)),
    ("NwfW|NwW", lambda weeks, weekday: Weekday(weekday, weeks)),
    ("WiNw", lambda weekday, weeks: Weekday(weekday, weeks)),
    ("nw", lambda: InDays(7)),
    ("iNd|Ndf", InDays),
    ("iNw|Nwf", lambda weeks: InDays(7 * weeks)),
    ("iNm|Nmf", InMonths),
    ("iNy|Nyf", lambda years: InMonths(12 * years)),
    ("Nda", lambda days: InDays(-days)),
    ("Nwa", lambda weeks: InDays(-7 * weeks)),
    ("Nma", lambda months: InMonths(-months)),
    ("D", lambda day: DayMonth(day)),
    ("WD", lambda weekday, day: day_month(day, None, weekday=weekday)),
    ("[DN]MN{0,2}", lambda day, month, *year: day_month(day, month, *year)),
    ("M[DN]N{0,2}", lambda month, day, *year: day_month(day, month, *year)),
    ("W[DN]MN{0,2}", lambda weekday, day, month, *year: day_month(day, month, *year, weekday=weekday)),
    ("WM[DN]N{0,2}", lambda weekday, month, day, *year: day_month(day, month, *year, weekday=weekday)),
)
_DAY_FIRST: Rule = ("N{2,4}", lambda day, month, *year: day_month(day, month, *year))
_MONTH_FIRST: Rule = ("N{2,4}", lambda month, day, *year: day_month(day, month, *year))


def read_date(words: Sequence[str], is_month_first: bool) -> SpokenDay | None:
    """ "next friday", "the third of may", "in two weeks"; numbers alone in the order of the region."""
    tokens = tokens_of(words, _DATE_PHRASES, _number)
    if not tokens:
        return None
    found: SpokenDay | None = first_rule(
        _joined_years(tokens), (*_DATE_RULES, _MONTH_FIRST if is_month_first else _DAY_FIRST)
    )
    return found


def date_words() -> tuple[str, ...]:
    """Words to listen for, and phrases that tell a recognizer which words follow each other.

    Whole dates ("the third of may") would be recognized no better, and 700 phrases take 20 ms to open instead of 3.
    """
    days = [word for word in _days() if not word[0].isdigit()]
    return (
        *WEEKDAYS, *(f"next {day}" for day in WEEKDAYS), *MONTHS, *days, *_UNITS, *_TENS, "thousand",
        "today", "tomorrow", "day after tomorrow", "the day after tomorrow", "yesterday",
        "next week", "last", "this", "on", "the", "of",
        *(f"the {day} of" for day in days), *(f"of {month}" for month in MONTHS),
        "in a week", "in two weeks", "in three weeks", "in four weeks", "in a month", "in three days", "days", "ago",
    )  # fmt: skip


def say_date(day: date, region: str, with_year: bool) -> str:
    """ "Friday, the 4th of December"; in the United States "Friday, December 4th"."""
    weekday, month = WEEKDAYS[day.weekday()].title(), MONTHS[day.month - 1].title()
    ordinal = f"{day.day}{_suffix(day.day)}"
    if region == "US":
        return f"{weekday}, {month} {ordinal}" + (f", {day.year}" if with_year else "")
    return f"{weekday}, the {ordinal} of {month}" + (f" {day.year}" if with_year else "")


# --- times

_TIME_PHRASES: dict[str, Token] = {
    **dict.fromkeys((*_EDGES, "minutes", "minute", "hours", "in"), ("", None)),
    **{word: ("N", number) for word, number in _NUMBERS.items()},
    **{word: ("D", number) for number, word in enumerate(_ORDINALS[:12], 1)},
    "half": ("h", None), "a quarter": ("q", None), "quarter": ("q", None),
    "past": ("p", None), "after": ("p", None), "to": ("t", None), "before": ("t", None), "till": ("t", None),
    "o'clock": ("c", None), "o clock": ("c", None), "hundred": ("H", None), "oh": ("Z", None),
    "noon": ("T", SpokenTime(12, 0, "24")), "midday": ("T", SpokenTime(12, 0, "24")),
    "twelve noon": ("T", SpokenTime(12, 0, "24")), "midnight": ("T", SpokenTime(0, 0, "24")),
    "twelve midnight": ("T", SpokenTime(0, 0, "24")),
    **dict.fromkeys(("a m", "am", "a.m", "in the morning", "this morning", "morning"), ("A", "am")),
    **dict.fromkeys(("p m", "pm", "p.m", "in the afternoon", "in the evening", "this afternoon"), ("A", "pm")),
    **dict.fromkeys(("this evening", "afternoon", "evening", "tonight"), ("A", "pm")),
    **dict.fromkeys(("at night", "night"), ("A", "night")),
}  # fmt: skip


def _time(hour: int, minute: int, half: str = "") -> SpokenTime | None:
    if not (0 <= hour <= 23 and 0 <= minute <= 59) or (half != "24" and not 1 <= hour <= (12 if half else 23)):
        return None
    return SpokenTime(hour, minute, "24" if hour > 12 or hour == 0 else half)


def _before(minutes: int, hour: int, half: str = "") -> SpokenTime | None:
    return _time(hour - 1 or 12, 60 - minutes, half)


_TIME_RULES: tuple[Rule, ...] = (
    ("T", lambda moment: moment),
    ("Nc?A?", lambda hour, half="": _time(hour, 0, half)),
    ("DA", lambda hour, half: _time(hour, 0, half)),  # "eight in the evening" is easily heard as "eighth"
    ("AN", lambda half, hour: _time(hour, 0, half)),
    ("ANN", lambda half, hour, minute: _time(hour, minute, half)),
    ("ZNH", lambda hour: _time(hour, 0, "24")),
    ("NH", lambda hour: _time(hour, 0, "24") if hour > 9 or hour == 0 else None),
    ("ZNN", lambda hour, minute: _time(hour, minute, "24")),
    ("ZNZN", lambda hour, minute: _time(hour, minute, "24") if minute < 10 else None),
    ("NNA?", lambda hour, minute, half="": _time(hour, minute, half) if minute > 9 else None),
    ("NFA?", _time),
    ("F[NF]", lambda hour, minute: _time(hour, minute, "24")),
    ("NZNA?", lambda hour, minute, half="": _time(hour, minute, half) if minute < 10 else None),
    ("hp?NA?", lambda hour, half="": _time(hour, 30, half)),
    ("qpNA?", lambda hour, half="": _time(hour, 15, half)),
    ("qtNA?", lambda hour, half="": _before(15, hour, half)),
    ("NpNA?", lambda minute, hour, half="": _time(hour, minute, half)),
    ("NtNA?", lambda minute, hour, half="": _before(minute, hour, half)),
)


def _figure(words: Sequence[str]) -> tuple[Token, int]:
    if not words[0].isdigit() or len(words[0]) > 2:
        return ("", None), 0
    return ("F" if len(words[0]) == 2 and words[0][0] == "0" else "N", int(words[0])), 1


def read_time(words: Sequence[str]) -> SpokenTime | None:
    """ "half past three", "three thirty p m", "fifteen hundred", "oh eight thirty"."""
    tokens = tokens_of(words, _TIME_PHRASES, _figure)
    found: SpokenTime | None = first_rule(tokens, _TIME_RULES) if tokens else None
    return found


def time_words() -> tuple[str, ...]:
    """Words to listen for."""
    return (
        *_UNITS, *(_TENS[:4]), "oh", "at", "half past", "a quarter past", "a quarter to", "quarter past", "quarter to",
        "past", "to", "after", "before", "o'clock", "hundred", "a m", "p m", "in the morning", "in the afternoon",
        "in the evening", "at night", "tonight", "noon", "midnight", "minutes",
    )  # fmt: skip


def say_time(moment: time, region: str) -> str:
    """ "3:30 PM", "8 PM", "noon"."""
    if moment.minute == 0 and moment.hour in (0, 12):
        return "noon" if moment.hour else "midnight"
    half = "AM" if moment.hour < 12 else "PM"
    hour = moment.hour % 12 or 12
    return f"{hour} {half}" if moment.minute == 0 else f"{hour}:{moment.minute:02d} {half}"
