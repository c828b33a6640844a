"""Days: as callers say them, as they key them in, within limits. Today is Monday, 23 November 2026."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ivr.flow.values.limits import add_months, day_of_limit
from ivr.flow.values.registry import kind_of
from tests.flow.value_readings import asked, keyed, spoken, value

pytestmark = pytest.mark.unit

ENGLISH = """
today: 2026-11-23
tomorrow: 2026-11-24
day after tomorrow: 2026-11-25
the day after tomorrow: 2026-11-25
yesterday: 2026-11-22
the day before yesterday: 2026-11-21
tonight: 2026-11-23
monday: 2026-11-30
on monday: 2026-11-30
tuesday: 2026-11-24
friday: 2026-11-27
Friday, please: 2026-11-27
on friday: 2026-11-27
this friday: 2026-11-27
this coming friday: 2026-11-27
next friday: 2026-11-27
next monday: 2026-11-30
sunday: 2026-11-29
last friday: 2026-11-20
last monday: 2026-11-16
friday after next: 2026-12-04
friday week: 2026-12-04
a week on friday: 2026-12-04
a week from friday: 2026-12-04
two weeks from friday: 2026-12-11
friday next week: 2026-12-04
next week friday: 2026-12-04
next week on friday: 2026-12-04
monday of next week: 2026-11-30
in a week: 2026-11-30
next week: 2026-11-30
in two weeks: 2026-12-07
two weeks from now: 2026-12-07
two weeks from today: 2026-12-07
in a couple of weeks: 2026-12-07
in three days: 2026-11-26
three days from now: 2026-11-26
in ten days: 2026-12-03
in a month: 2026-12-23
in six months: 2027-05-23
in a year: 2027-11-23
three days ago: 2026-11-20
a week ago: 2026-11-16
two months ago: 2026-09-23
the third of may: 2027-05-03
third of may: 2027-05-03
on the third of may: 2027-05-03
may third: 2027-05-03
May 3rd: 2027-05-03
May the 3rd: 2027-05-03
may the third: 2027-05-03
may three: 2027-05-03
december fourth: 2026-12-04
the fourth of december: 2026-12-04
december twenty fifth: 2026-12-25
twenty fifth of december: 2026-12-25
december twenty five: 2026-12-25
the thirty first of december: 2026-12-31
january first: 2027-01-01
november twenty third: 2026-11-23
november twenty second: 2027-11-22
the first: 2026-12-01
the fourth: 2026-12-04
on the twenty fourth: 2026-11-24
the thirty first: 2026-12-31
friday the fourth: 2026-12-04
friday the fourth of december: 2026-12-04
friday december fourth: 2026-12-04
on friday the fourth of december please: 2026-12-04
thursday the third: 2026-12-03
the third of may two thousand twenty seven: 2027-05-03
the third of may two thousand and twenty seven: 2027-05-03
may third twenty twenty seven: 2027-05-03
march third nineteen eighty four: 1984-03-03
january tenth nineteen oh five: 1905-01-10
may third two thousand and six: 2006-05-03
may third two thousand: 2000-05-03
february twenty ninth twenty twenty eight: 2028-02-29
february twenty ninth: 2028-02-29
3.5.: 2027-03-05
5/3/2027: 2027-05-03
12 24: 2026-12-24
"""

NOT_ENGLISH_DAYS = """
february thirty first
the thirty first of june
february twenty ninth twenty twenty seven
monday december fourth
the fourth of fifth
may
half
next
in two
thirteen thirteen
may third eight thirty
hello
third third
a couple of days
forty fifth
"""

GERMAN = """
heute: 2026-11-23
morgen: 2026-11-24
übermorgen: 2026-11-25
gestern: 2026-11-22
vorgestern: 2026-11-21
Freitag: 2026-11-27
am Freitag: 2026-11-27
am Freitag bitte: 2026-11-27
diesen Freitag: 2026-11-27
nächsten Freitag: 2026-11-27
kommenden Freitag: 2026-11-27
am kommenden Montag: 2026-11-30
Montag: 2026-11-30
Sonnabend: 2026-11-28
am Samstag: 2026-11-28
letzten Freitag: 2026-11-20
übernächsten Freitag: 2026-12-04
Freitag in einer Woche: 2026-12-04
Freitag in zwei Wochen: 2026-12-11
heute in einer Woche: 2026-11-30
morgen in einer Woche: 2026-12-01
nächste Woche Freitag: 2026-12-04
Freitag nächster Woche: 2026-12-04
Freitag nächste Woche: 2026-12-04
am Montag nächster Woche: 2026-11-30
übernächste Woche Freitag: 2026-12-11
nächste Woche: 2026-11-30
in einer Woche: 2026-11-30
in zwei Wochen: 2026-12-07
in drei Tagen: 2026-11-26
in vierzehn Tagen: 2026-12-07
in einem Monat: 2026-12-23
in zwei Monaten: 2027-01-23
in einem Jahr: 2027-11-23
vor drei Tagen: 2026-11-20
vor einer Woche: 2026-11-16
vor zwei Monaten: 2026-09-23
vor einem Jahr: 2025-11-23
am dritten Mai: 2027-05-03
dritter Mai: 2027-05-03
der dritte Mai: 2027-05-03
den dritten Mai: 2027-05-03
am dritten fünften: 2027-05-03
dritter fünfter: 2027-05-03
3.5.: 2027-05-03
drei fünf: 2027-05-03
am vierten Dezember: 2026-12-04
am Freitag dem vierten Dezember: 2026-12-04
Freitag den vierten: 2026-12-04
am Freitag den vierten zwölften: 2026-12-04
am fünfundzwanzigsten Dezember: 2026-12-25
fünfundzwanzigster zwölfter: 2026-12-25
am ein und zwanzigsten Juni: 2027-06-21
am siebten Juni: 2027-06-07
am siebenten Juni: 2027-06-07
am ersten: 2026-12-01
am vierundzwanzigsten: 2026-11-24
am ersten Jänner: 2027-01-01
am zwanzigsten Juno: 2027-06-20
am einunddreißigsten: 2026-12-31
dritter Mai zweitausendsiebenundzwanzig: 2027-05-03
am dritten Mai zwei tausend sieben und zwanzig: 2027-05-03
dritter März neunzehnhundertvierundachtzig: 1984-03-03
dritter März neunzehn hundert vierundachtzig: 1984-03-03
dritter dritter vierundachtzig: 1984-03-03
am zehnten Januar zweitausendsechs: 2006-01-10
neunundzwanzigster Februar: 2028-02-29
"""

NOT_GERMAN_DAYS = """
einunddreißigster Februar
am einunddreißigsten April
am Montag dem vierten Dezember
halb vier
nächsten
Mai
bis morgen
hallo
am dritten dreizehnten
"""


def pairs(table: str) -> list[tuple[str, str]]:
    rows = [line.rsplit(": ", 1) for line in table.strip().splitlines()]
    return [(said, iso) for said, iso in rows]


@pytest.mark.parametrize(("said", "iso"), pairs(ENGLISH))
def test_english(said: str, iso: str) -> None:
    assert value(spoken("date", "en-US", said)) == iso


@pytest.mark.parametrize(("said", "iso"), pairs(GERMAN))
def test_german(said: str, iso: str) -> None:
    assert value(spoken("date", "de-DE", said)) == iso


@pytest.mark.parametrize("said", NOT_ENGLISH_DAYS.strip().splitlines())
def test_what_is_no_day_in_english(said: str) -> None:
    assert spoken("date", "en-US", said) is None


@pytest.mark.parametrize("said", NOT_GERMAN_DAYS.strip().splitlines())
def test_what_is_no_day_in_german(said: str) -> None:
    assert spoken("date", "de-DE", said) is None


def test_numbers_alone_are_in_the_order_of_the_region() -> None:
    assert value(spoken("date", "en-US", "3 5")) == "2027-03-05"
    assert value(spoken("date", "en-GB", "3 5")) == "2027-05-03"
    assert value(spoken("date", "en-GB", "three five")) == "2027-05-03"


@pytest.mark.parametrize(
    ("tag", "typed", "iso"),
    [
        ("en-US", "1224", "2026-12-24"),
        ("en-US", "12242026", "2026-12-24"),
        ("en-GB", "2412", "2026-12-24"),
        ("de-DE", "2412", "2026-12-24"),
        ("de-DE", "03051984", "1984-05-03"),
        ("de-DE", "2311", "2026-11-23"),
        ("de-DE", "2902", "2028-02-29"),
        ("de-DE", "3102", None),
        ("de-DE", "29022027", None),
        ("de-DE", "0013", None),
        ("de-DE", "1300", None),
        ("de-DE", "24122", None),
        ("de-DE", "24120000", None),
        ("en-US", "2412", None),
    ],
)
def test_keys(tag: str, typed: str, iso: str | None) -> None:
    assert value(keyed("date", tag, typed)) == iso


@pytest.mark.parametrize(
    ("said", "settings", "iso"),
    [
        ("friday", {"earliest": "today"}, "2026-11-27"),
        ("yesterday", {"earliest": "today"}, None),
        ("today", {"earliest": "today"}, "2026-11-23"),
        ("today", {"earliest": "+1d"}, None),
        ("in two weeks", {"latest": "+1w"}, None),
        ("in a week", {"latest": "+1w"}, "2026-11-30"),
        ("december twenty fifth", {"latest": "2026-12-24"}, None),
        ("may third", {"latest": "today"}, "2026-05-03"),
        ("may third", {"earliest": "2028-01-01"}, "2028-05-03"),
        ("may third", {"future": False}, "2026-05-03"),
        ("december fourth", {"future": False}, "2025-12-04"),
        ("friday", {"future": False}, "2026-11-20"),
        ("monday", {"future": False}, "2026-11-16"),
        ("march third eighty four", {"future": False}, "1984-03-03"),
        ("the fourth", {"future": False}, "2026-11-04"),
        ("february twenty ninth", {"future": False}, "2024-02-29"),
        ("may third two thousand and twenty", {"latest": "-18y"}, None),
        ("may third two thousand and six", {"latest": "-18y"}, "2006-05-03"),
        ("tomorrow", {"latest": "+1m"}, "2026-11-24"),
    ],
)
def test_limits_and_the_preferred_direction(said: str, settings: dict[str, Any], iso: str | None) -> None:
    assert value(spoken("date", "en-US", said, **settings)) == iso


def test_a_day_beyond_the_limits_is_understood_and_not_allowed() -> None:
    reading = spoken("date", "en-US", "yesterday", earliest="today")
    assert reading is not None and reading.is_invalid and reading.value == "2026-11-22"


def test_without_a_clock_only_whole_dates_are_understood() -> None:
    from dataclasses import replace

    question = replace(asked("date", "en-US"), now=None)
    date_kind = kind_of("date")
    assert date_kind.from_speech(question, ["tomorrow"]) is None
    assert date_kind.from_speech(question, ["friday"]) is None
    assert date_kind.from_speech(question, ["may", "third"]) is None
    assert value(date_kind.from_speech(question, ["may", "third", "twenty", "twenty", "seven"])) == "2027-05-03"


@pytest.mark.parametrize(
    ("tag", "iso", "said"),
    [
        ("en-US", "2026-12-04", "Friday, December 4th"),
        ("en-GB", "2026-12-04", "Friday, the 4th of December"),
        ("de-DE", "2026-12-04", "Freitag, den vierten Dezember"),
        ("en-US", "1984-03-03", "Saturday, March 3rd, 1984"),
    ],
)
def test_it_is_read_back(tag: str, iso: str, said: str) -> None:
    assert kind_of("date").spoken(asked("date", tag), iso) == said


def test_every_day_of_a_year_that_we_say_is_a_day_that_we_hear() -> None:
    for tag in ("en-US", "en-GB", "de-DE"):
        for day in range(366):
            iso = date.fromordinal(date(2026, 11, 23).toordinal() + day).isoformat()
            said = kind_of("date").spoken(asked("date", tag), iso)
            if not said[-4:].isdigit():
                assert value(spoken("date", tag, said)) == iso, said


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2026, 11, 23), 14, date(2028, 1, 23)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
        (date(2026, 12, 31), -12, date(2025, 12, 31)),
    ],
)
def test_months_later(day: date, months: int, expected: date) -> None:
    assert add_months(day, months) == expected


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("today", date(2026, 11, 23)), ("+30d", date(2026, 12, 23)), ("-1w", date(2026, 11, 16)),
     ("+2m", date(2027, 1, 23)), ("-18y", date(2008, 11, 23)), ("2026-12-31", date(2026, 12, 31)), (None, None)],
)  # fmt: skip
def test_limits(limit: str | None, expected: date | None) -> None:
    assert day_of_limit(limit, date(2026, 11, 23)) == expected
