"""Filters that turn values into words."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest

from ivr.flow import speaking as s

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
        ("money", "en", "12.5", "twelve euro, fifty cents"),
        ("money", "xx", 12.5, "12.50 EUR"),
        ("date", "en", "2026-03-02", "March 2, 2026"),
        ("date", "de", date(2026, 3, 2), "2. März 2026"),
        ("date", "xx", "2026-03-02T10:00:00", "2026-03-02"),
        ("time", "de", "2026-03-02T10:05", "10:05"),
        ("time", "de", "10:05:00Z", "10:05"),
        ("time", "de", time(9, 5), "09:05"),
        ("time", "de", datetime(2026, 3, 2, 9, 5), "09:05"),  # noqa: DTZ001
        ("time", "xx", "09:05", "09:05"),
    ],
)  # fmt: skip
def test_said(filter_: str, tag: str, value: object, said: str) -> None:
    assert s.filters(tag)[filter_](value) == said


@pytest.mark.parametrize("filter_", s.filters("en"))
def test_a_masked_value_stays_masked(filter_: str) -> None:
    assert s.filters("en")[filter_]("***") == "***"


def test_a_time_in_english() -> None:
    assert s.filters("en")["time"]("15:30").replace("\u202f", " ") == "3:30 PM"
