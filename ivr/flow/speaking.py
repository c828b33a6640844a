"""Filters that turn values into words to be spoken: `{{ account | digits }}`, `{{ total | money('USD') }}`.

A masked value (`***`) passes through every filter unchanged, so that the text kept in the record can be made by the
same template as the text that is spoken.

The libraries of words and dates are large and loaded with the first value that needs them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache, partial, wraps
from typing import Any

from ivr.flow.languages import LANGUAGES, language_for
from ivr.flow.languages.base import Language
from ivr.flow.masking import MASK
from ivr.language_tags import country_of, currency_of, primary_language, region_of

WITHOUT_YEAR_DAYS = 300
"""A day that is not further away than this is said without its year."""

SMALL = 1000
"""Numbers below it are remembered in words."""

_Filter = Callable[..., str]


def _passes_mask(filter_: _Filter) -> _Filter:
    @wraps(filter_)
    def masked(tag: str, value: Any, *more: Any) -> str:
        return MASK if value == MASK else filter_(tag, value, *more)

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
    amount = value if isinstance(value, int) else Decimal(str(value))
    whole = int(amount)
    if amount == whole and abs(whole) < SMALL:
        return _small_number(primary_language(tag), whole)
    return _number(primary_language(tag), amount)


@cache
def _small_number(language: str, value: int) -> str:
    """Counts, hours and cents: said again and again, and the words of one take 20 µs to find."""
    return _number(language, value)


def _number(language: str, amount: int | Decimal) -> str:
    from num2words import num2words

    whole = amount == int(amount)
    try:
        return str(num2words(int(amount) if whole else float(amount), lang=language))
    except (NotImplementedError, OverflowError):  # no such language; beyond the words that it has
        return str(int(amount) if whole else amount)


@_passes_mask
def ordinal(tag: str, value: Any) -> str:
    """As a number in a row: 3 → "third"; in figures where the language has no words for it."""
    from num2words import num2words

    try:
        return str(num2words(int(value), lang=primary_language(tag), to="ordinal"))
    except (NotImplementedError, OverflowError):
        return f"{int(value)}."


@_passes_mask
def money(tag: str, value: Any, currency: str = "") -> str:
    """As an amount of money: 12.5 → "twelve euros and fifty cents"; the currency of the region where none is given."""
    code = str(currency or currency_of(tag)).upper()
    amount = round(Decimal(str(value)), 2)
    language = LANGUAGES.get(primary_language(tag))
    found = language.money.currencies.get(code) if language else None
    if language is None or found is None:
        return _money_by_name(tag, amount, code)
    whole, cents = divmod(int(abs(amount) * 100), 100)
    parts = (
        _counted(language, whole, found.unit) if whole or not cents else "",
        _counted(language, cents, found.cent) if cents else "",
    )
    return ("minus " if amount < 0 else "") + language.money.say(*parts)


def _counted(language: Language, count: int, names: tuple[str, str]) -> str:
    return f"{language.money.one} {names[0]}" if count == 1 else f"{number(language.tag, count)} {names[1]}"


def _money_by_name(tag: str, amount: Decimal, code: str) -> str:
    """ "12.50 Polish zlotys"; the code itself where there is no name for it."""
    from babel import UnknownLocaleError
    from babel.numbers import get_currency_name

    figures = f"{amount:f}".removesuffix(".00")
    try:
        return f"{figures} {get_currency_name(code, float(amount), primary_language(tag))}"
    except UnknownLocaleError:
        return f"{figures} {code}"


@_passes_mask
def spoken_date(tag: str, value: Any, today: date | None = None) -> str:
    """A date (or its ISO text) as it is said; with its year unless it is near `today`."""
    day = value.date() if isinstance(value, datetime) else value
    day = day if isinstance(day, date) else date.fromisoformat(str(value)[:10])
    language = LANGUAGES.get(primary_language(tag))
    if language is None:
        return _date_by_name(tag, day)
    is_near = today is not None and abs((day - today).days) <= WITHOUT_YEAR_DAYS
    return language.calendar.say_date(day, region_of(tag), not is_near)


def _date_by_name(tag: str, day: date) -> str:
    from babel import UnknownLocaleError
    from babel.dates import format_date

    try:
        return str(format_date(day, format="full", locale=primary_language(tag)))
    except UnknownLocaleError:
        return day.isoformat()


@_passes_mask
def spoken_time(tag: str, value: Any) -> str:
    """A time of day (or its ISO text) as it is said: "3:30 PM", "15 Uhr 30"."""
    moment = value if isinstance(value, datetime | time) else _time_of(str(value).strip())
    language = LANGUAGES.get(primary_language(tag))
    if language is None:
        return f"{moment:%H:%M}"
    return language.calendar.say_time(time(moment.hour, moment.minute), region_of(tag))


def _time_of(text: str) -> time:
    """The time of day in ISO text, with or without a date before it; the zone is the writer's and stays as it is."""
    return datetime.fromisoformat(text).time() if "-" in text[:5] else time.fromisoformat(text).replace(tzinfo=None)


@_passes_mask
def phone(tag: str, value: Any) -> str:
    """A telephone number in the groups in which it is written: "+49 30 123456" → "plus 4 9, 3 zero, 1 2 3, 4 5 6"."""
    text = _grouped(str(value).strip(), country_of(tag))
    groups = (digits(tag, group) for group in text.replace("-", " ").split())
    return ", ".join(group for group in groups if group)


def _grouped(text: str, country: str) -> str:
    import phonenumbers

    try:
        known = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return text
    if not phonenumbers.is_possible_number(known):
        return text
    style = phonenumbers.PhoneNumberFormat
    return str(phonenumbers.format_number(known, style.INTERNATIONAL if text.startswith("+") else style.NATIONAL))


def filters(tag: str) -> dict[str, Callable[..., str]]:
    """The speaking filters of a language, by the name that flows use."""
    named = {
        "spell": spell, "digits": digits, "phone": phone, "number": number, "ordinal": ordinal, "money": money,
        "date": spoken_date, "time": spoken_time,
    }  # fmt: skip
    return {name: partial(function, tag) for name, function in named.items()}
