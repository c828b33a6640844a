"""Filters that turn values into words to be spoken: `{{ account | digits }}`, `{{ total | money }}`.

A masked value (`***`) passes through every filter unchanged, so that the text kept in the record can be made by the
same template as the text that is spoken.

The libraries of words and dates are large and loaded with the first value that needs them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from functools import partial
from typing import Any

from ivr.flow.languages import language_for
from ivr.flow.masking import MASK


def _passes_mask(filter_: Callable[[str, Any], str]) -> Callable[[str, Any], str]:
    def masked(tag: str, value: Any) -> str:
        return MASK if value == MASK else filter_(tag, value)

    return masked


@_passes_mask
def spell(tag: str, value: Any) -> str:
    """Character by character: "AB1" → "A, B, 1"."""
    names = language_for(tag).names
    return ", ".join(names.get(character, character) for character in str(value) if not character.isspace())


@_passes_mask
def digits(tag: str, value: Any) -> str:
    """Digit by digit, with short rests, as people say them: "123456" → "1 2 3, 4 5 6", "1234" → "1 2, 3 4"."""
    names = language_for(tag).names
    characters = [names.get(c, c) for c in str(value) if not c.isspace()]
    groups = [characters[i : i + 3] for i in range(0, len(characters), 3)]
    if len(groups) > 1 and len(groups[-1]) == 1:  # nobody says three and one
        groups[-2:] = [groups[-2][:2], groups[-2][2:] + groups[-1]]
    return ", ".join(" ".join(group) for group in groups)


@_passes_mask
def number(tag: str, value: Any) -> str:
    """As a number in words: 105 → "one hundred and five"; in figures where the language has no words for it."""
    from num2words import num2words

    amount = value if isinstance(value, int) else Decimal(str(value))
    whole = amount == int(amount)
    try:
        return str(num2words(int(amount) if whole else float(amount), lang=tag))
    except (NotImplementedError, OverflowError):  # no such language; beyond the words that it has
        return str(int(amount) if whole else amount)


@_passes_mask
def money(tag: str, value: Any) -> str:
    """As an amount of money in the language's own way: 12.5 → "twelve euro, fifty cents"."""
    from num2words import num2words

    amount = round(Decimal(str(value)), 2)
    try:
        return str(num2words(amount, to="currency", lang=tag, currency="EUR"))
    except NotImplementedError:
        return f"{amount} EUR"


@_passes_mask
def spoken_date(tag: str, value: Any) -> str:
    """A date (or its ISO text) as it is said."""
    from babel import UnknownLocaleError
    from babel.dates import format_date

    day = value if isinstance(value, date) else date.fromisoformat(str(value)[:10])
    try:
        return str(format_date(day, format="long", locale=tag))
    except UnknownLocaleError:
        return day.isoformat()


@_passes_mask
def spoken_time(tag: str, value: Any) -> str:
    """A time of day (or its ISO text) as it is said."""
    from babel import UnknownLocaleError
    from babel.dates import format_time

    moment = value if isinstance(value, datetime | time) else _time_of(str(value).strip())
    try:
        return str(format_time(moment, format="short", locale=tag))
    except UnknownLocaleError:
        return f"{moment:%H:%M}"


def _time_of(text: str) -> time:
    """The time of day in ISO text, with or without a date before it; the zone is the writer's and stays as it is."""
    return datetime.fromisoformat(text).time() if "-" in text[:5] else time.fromisoformat(text).replace(tzinfo=None)


def filters(tag: str) -> dict[str, Callable[..., str]]:
    """The speaking filters of a language, by the name that flows use."""
    named = {
        "spell": spell, "digits": digits, "phone": digits, "number": number, "money": money,
        "date": spoken_date, "time": spoken_time,
    }  # fmt: skip
    return {name: partial(function, tag) for name, function in named.items()}
