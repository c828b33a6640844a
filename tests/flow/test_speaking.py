"""Filters that turn values into words."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest

from ivr.flow import speaking as s
from ivr.flow.languages import LANGUAGES

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("filter_", "tag", "value", "said"),
    [
        ("spell", "en", "A1 0", "A, 1, zero"),
        ("spell", "de", "@/", "ät, Schrägstrich"),
        ("spell", "fr", "*", "star"),
        ("digits", "en", "123456", "1 2 3, 4 5 6"),
        ("digits", "de", "10", "1 null"),
        ("digits", "en", 42, "4 2"),
        ("phone", "en", "+49", "plus 4 9"),
        ("number", "en", 105, "one hundred and five"),
        ("number", "en", "105", "one hundred and five"),
        ("number", "en", 2.5, "two point five"),
        ("number", "de", "21", "einundzwanzig"),
        ("number", "xx", 21, "21"),
        ("number", "xx", "2.5", "2.5"),
        ("number", "de", 2**53 + 1, "neun Billiarden sieben Billionen einhundertneunundneunzig Milliarden"
         " zweihundertvierundfünfzig Millionen siebenhundertvierzigtausendneunhundertdreiundneunzig"),
        ("number", "en", 10**400, str(10**400)),
        ("ordinal", "en", 3, "third"),
        ("ordinal", "de", "3", "dritte"),
        ("ordinal", "xx", 3, "3."),
        ("money", "en", "12.5", "twelve euros and fifty cents"),
        ("money", "en-US", "12.5", "twelve dollars and fifty cents"),
        ("money", "en-GB", 1.01, "one pound and one penny"),
        ("money", "en", 100, "one hundred euros"),
        ("money", "en", 0, "zero euros"),
        ("money", "en", 0.5, "fifty cents"),
        ("money", "en", -3, "minus three euros"),
        ("money", "de", 12.5, "zwölf Euro und fünfzig Cent"),
        ("money", "de", 1, "ein Euro"),
        ("money", "de", "21.01", "einundzwanzig Euro und ein Cent"),
        ("money", "de-CH", 2.2, "zwei Franken und zwanzig Rappen"),
        ("money", "en-PL", 2.5, "2.50 Polish zlotys"),
        ("money", "xx", 12.5, "12.50 EUR"),
        ("date", "en", "2026-03-02", "Monday, the 2nd of March 2026"),
        ("date", "en-US", "2026-12-04", "Friday, December 4th, 2026"),
        ("date", "en-GB", datetime(2026, 12, 11, 9, 5), "Friday, the 11th of December 2026"),  # noqa: DTZ001
        ("date", "de", date(2026, 3, 2), "Montag, den zweiten März 2026"),
        ("date", "de", "2026-05-31", "Sonntag, den einunddreißigsten Mai 2026"),
        ("date", "fr", "2026-03-02", "lundi 2 mars 2026"),
        ("date", "xx", "2026-03-02T10:00:00", "2026-03-02"),
        ("time", "de", "2026-03-02T10:05", "10 Uhr 5"),
        ("time", "de", "10:00:00Z", "10 Uhr"),
        ("time", "de", time(9, 5), "9 Uhr 5"),
        ("time", "de", datetime(2026, 3, 2, 9, 5), "9 Uhr 5"),  # noqa: DTZ001
        ("time", "en", "15:30", "3:30 PM"),
        ("time", "en", "08:00", "8 AM"),
        ("time", "en", "12:00", "noon"),
        ("time", "en", "00:00", "midnight"),
        ("time", "en", "00:05", "12:05 AM"),
        ("time", "xx", "09:05", "09:05"),
        ("phone", "de", "+4930123456", "plus 4 9, 3 null, 1 2 3, 4 5 6"),
        ("phone", "de", "030 123456", "null 3 null, 1 2 3, 4 5 6"),
        ("phone", "en-US", "+12015550123", "plus 1, 2 zero 1, 5 5 5, zero 1, 2 3"),
        ("phone", "en", "999999999999999999999", "9 9 9, 9 9 9, 9 9 9, 9 9 9, 9 9 9, 9 9 9, 9 9 9"),
        ("phone", "en", "anonymous", "a n o, n y m, o u s"),
    ],
)  # fmt: skip
def test_said(filter_: str, tag: str, value: object, said: str) -> None:
    assert s.filters(tag)[filter_](value) == said


@pytest.mark.parametrize("filter_", s.filters("en"))
def test_a_masked_value_stays_masked(filter_: str) -> None:
    assert s.filters("en")[filter_]("***") == "***"


def test_a_near_date_is_said_without_its_year() -> None:
    near, far = date(2026, 11, 23), date(2025, 1, 1)
    assert s.spoken_date("en", "2026-12-04", near) == "Friday, the 4th of December"
    assert s.spoken_date("en", "2026-12-04", far) == "Friday, the 4th of December 2026"


@pytest.mark.parametrize("tag", LANGUAGES)
def test_every_currency_of_a_language_is_said(tag: str) -> None:
    for code in LANGUAGES[tag].money.currencies:
        assert LANGUAGES[tag].money.currencies[code].unit[1] in s.money(tag, 2, code)
