"""Amounts of money: as callers say them, and as they key them in."""

from __future__ import annotations

from typing import Any

import pytest

from ivr.flow.speaking import money
from ivr.flow.values.registry import kind_of
from tests.flow.value_readings import asked, keyed, spoken, value

pytestmark = pytest.mark.unit

ENGLISH = """
twelve fifty: 12.5
twelve dollars and fifty cents: 12.5
twelve dollars fifty: 12.5
twelve dollars fifty cents: 12.5
twelve dollars: 12
twelve: 12
a hundred dollars: 100
a dollar: 1
one dollar: 1
a dollar fifty: 1.5
one hundred and twenty dollars: 120
one hundred twenty dollars: 120
one hundred fifty: 150
one hundred twelve fifty: 112.5
two thousand dollars: 2000
twenty five hundred: 2500
fifty cents: 0.5
ninety nine cents: 0.99
five cents: 0.05
one cent: 0.01
five ninety nine: 5.99
nineteen ninety nine: 19.99
one oh five: 1.05
twelve oh five: 12.05
twelve dollars and five cents: 12.05
twelve point five: 12.5
twelve point two five: 12.25
twelve point fifty: 12.5
twelve point oh five: 12.05
one fifty: 1.5
one twenty five: 1.25
twenty five: 25
twenty five fifty: 25.5
zero: 0
two hundred fifty dollars and ten cents: 250.1
12.50: 12.5
"""

GERMAN = """
zwölf Euro fünfzig: 12.5
zwölf fünfzig: 12.5
zwölf Euro und fünfzig Cent: 12.5
zwölf Euro fünfzig Cent: 12.5
zwölf Euro: 12
zwölf: 12
hundert Euro: 100
einhundert Euro: 100
ein Euro: 1
ein Euro zwanzig: 1.2
eins fünfzig: 1.5
hundertzwanzig Euro: 120
hundert zwanzig Euro: 120
zwei hundert Euro: 200
eintausendzweihundert Euro: 1200
zweitausend Euro: 2000
fünfzig Cent: 0.5
neunundneunzig Cent: 0.99
ein Cent: 0.01
drei neunzig: 3.9
drei Euro neunundneunzig: 3.99
neunzehn neunundneunzig: 19.99
zwölf Euro fünf: 12.05
zwölf Komma fünf: 12.5
zwölf Komma zwei fünf: 12.25
zwölf Komma fünf Euro: 12.5
fünf und zwanzig Euro: 25
null: 0
"""


def rows(table: str) -> list[tuple[str, float]]:
    found = [line.rsplit(": ", 1) for line in table.strip().splitlines()]
    return [(said, float(expected)) for said, expected in found]


@pytest.mark.parametrize(("said", "expected"), rows(ENGLISH))
def test_english(said: str, expected: float) -> None:
    assert value(spoken("amount", "en-US", said)) == expected


@pytest.mark.parametrize(("said", "expected"), rows(GERMAN))
def test_german(said: str, expected: float) -> None:
    assert value(spoken("amount", "de-DE", said)) == expected


@pytest.mark.parametrize(
    ("tag", "said"),
    [("en-US", "dollars"), ("en-US", "hello"), ("en-US", "ten five"), ("en-US", "point five"), ("en-US", "cents"),
     ("en-US", "twelve point"), ("en-US", "twelve euros"), ("de-DE", "euro"),
     ("de-DE", "zwölf dollar"), ("de-DE", "komma"), ("en-US", "twelve dollars two hundred cents")],
)  # fmt: skip
def test_what_is_no_amount_of_the_currency(tag: str, said: str) -> None:
    assert spoken("amount", tag, said) is None


def test_the_currency_is_what_the_question_says() -> None:
    assert value(spoken("amount", "en-US", "twelve pounds fifty", currency="GBP")) == 12.5
    assert value(spoken("amount", "en-US", "ten francs", currency="CHF")) == 10
    assert spoken("amount", "en-US", "twelve dollars", currency="GBP") is None
    assert value(spoken("amount", "en-US", "twelve fifty", currency="PLN")) == 12.5


@pytest.mark.parametrize(
    ("typed", "settings", "expected"),
    [
        ("12", {}, 12),
        ("12*50", {}, 12.5),
        ("12*5", {}, 12.5),
        ("12*05", {}, 12.05),
        ("12*", {}, 12),
        ("12*505", {}, None),
        ("12*5*0", {}, None),
        ("1250", {"keyed": "cents"}, 12.5),
        ("5", {"keyed": "cents"}, 0.05),
        ("12", {"minimum": 20}, None),
        ("12", {"maximum": 10}, None),
        ("12", {"minimum": 12, "maximum": 12}, 12),
    ],
)
def test_keys(typed: str, settings: dict[str, Any], expected: float | None) -> None:
    assert value(keyed("amount", "en-US", typed, **settings)) == expected


def test_of_two_meanings_the_one_within_the_limits_is_taken() -> None:
    assert value(spoken("amount", "en-US", "one hundred fifty", maximum=120)) == 100.5
    assert value(spoken("amount", "en-US", "one hundred fifty", minimum=120)) == 150


def test_it_is_read_back_in_its_currency() -> None:
    assert kind_of("amount").spoken(asked("amount", "en-US"), 12.5) == "twelve dollars and fifty cents"
    assert kind_of("amount").spoken(asked("amount", "en-US", currency="EUR"), 1) == "one euro"
    assert kind_of("amount").spoken(asked("amount", "de-DE"), 12.5) == "zwölf Euro und fünfzig Cent"


@pytest.mark.parametrize("tag", ["en-US", "en-GB", "de-DE"])
def test_amounts_that_we_say_are_amounts_that_we_hear(tag: str) -> None:
    for cents in [*range(1, 1500, 7), 1999, 10_000, 12_345, 100_001, 123_456]:
        assert value(spoken("amount", tag, money(tag, cents / 100))) == cents / 100, money(tag, cents / 100)
