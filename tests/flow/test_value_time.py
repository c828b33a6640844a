"""Times of day: as callers say them, as they key them in, and which half of the day is meant."""

from __future__ import annotations

from typing import Any

import pytest

from ivr.flow.values.registry import kind_of
from tests.flow.value_readings import asked, keyed, spoken, value

pytestmark = pytest.mark.unit

ENGLISH = """
three thirty p m: 15:30
3:30 pm: 15:30
3:30 p.m.: 15:30
three p m: 15:00
ten fifteen a m: 10:15
twelve a m: 00:00
twelve p m: 12:00
twelve thirty a m: 00:30
fifteen hundred: 15:00
twenty hundred: 20:00
oh eight hundred: 08:00
zero hundred: 00:00
oh eight thirty: 08:30
oh eight oh five: 08:05
fifteen thirty: 15:30
thirteen: 13:00
twenty three fifty nine: 23:59
twenty one: 21:00
eight in the morning: 08:00
eight in the evening: 20:00
at eight o'clock in the evening: 20:00
three in the afternoon: 15:00
nine at night: 21:00
two at night: 02:00
tonight at nine: 21:00
half past three in the afternoon: 15:30
half past seven in the evening: 19:30
a quarter past nine in the morning: 09:15
quarter to nine in the evening: 20:45
ten past three p m: 15:10
ten to four in the afternoon: 15:50
twenty five to seven p m: 18:35
five minutes to six p m: 17:55
seven forty five p m: 19:45
eight oh five a m: 08:05
this evening at seven thirty: 19:30
noon: 12:00
midday: 12:00
at noon: 12:00
midnight: 00:00
twelve: 12:00
twelve o'clock: 12:00
twelve thirty: 12:30
quarter past twelve: 12:15
"""

ENGLISH_HALVES = """
eight: 08:00 20:00
at eight: 08:00 20:00
eight o'clock: 08:00 20:00
half past three: 03:30 15:30
half three: 03:30 15:30
quarter to nine: 08:45 20:45
a quarter past nine: 09:15 21:15
quarter after nine: 09:15 21:15
three thirty: 03:30 15:30
eight oh five: 08:05 20:05
ten past three: 03:10 15:10
ten to four: 03:50 15:50
ten before four: 03:50 15:50
twenty past six: 06:20 18:20
seven forty five: 07:45 19:45
ten to one: 12:50 00:50
"""

NOT_ENGLISH = """
twenty five past
half
eight five
twenty four
zero
eight sixty
thirteen p m
hundred
past three
hello
friday
eight eight eight
"""

GERMAN = """
fünfzehn Uhr: 15:00
fünfzehn Uhr dreißig: 15:30
zwanzig Uhr fünfzehn: 20:15
ein und zwanzig Uhr: 21:00
einundzwanzig Uhr fünf: 21:05
acht Uhr abends: 20:00
acht Uhr morgens: 08:00
um acht Uhr früh: 08:00
früh um sechs: 06:00
morgens um sechs: 06:00
um acht am Abend: 20:00
am Abend um acht: 20:00
heute Abend um acht: 20:00
drei Uhr nachmittags: 15:00
um drei am Nachmittag: 15:00
zehn Uhr vormittags: 10:00
elf Uhr nachts: 23:00
zwei Uhr nachts: 02:00
zwölf Uhr mittags: 12:00
ein Uhr mittags: 13:00
elf Uhr mittags: 11:00
mittags: 12:00
Mittag: 12:00
Mitternacht: 00:00
null Uhr: 00:00
null Uhr fünfzehn: 00:15
vierundzwanzig Uhr: 00:00
halb acht abends: 19:30
abends um halb acht: 19:30
um halb acht am Abend: 19:30
viertel nach neun abends: 21:15
viertel vor neun morgens: 08:45
dreiviertel neun abends: 20:45
zehn nach neun abends: 21:10
fünf vor halb vier nachmittags: 15:25
fünf nach halb vier nachmittags: 15:35
sieben Uhr dreißig morgens: 07:30
zwölf Uhr: 12:00
zwölf Uhr dreißig: 12:30
"""

GERMAN_HALVES = """
um sieben: 07:00 19:00
sieben Uhr: 07:00 19:00
um sieben Uhr dreißig: 07:30 19:30
sieben dreißig: 07:30 19:30
halb vier: 03:30 15:30
um halb vier: 03:30 15:30
halb eins: 12:30 00:30
viertel nach neun: 09:15 21:15
viertel vor neun: 08:45 20:45
dreiviertel neun: 08:45 20:45
drei viertel neun: 08:45 20:45
viertel neun: 08:15 20:15
zehn nach neun: 09:10 21:10
zehn vor neun: 08:50 20:50
fünf vor halb vier: 03:25 15:25
fünf nach halb vier: 03:35 15:35
um eins: 01:00 13:00
ein Uhr: 01:00 13:00
gegen neun: 09:00 21:00
sechs Uhr fünf: 06:05 18:05
so um acht: 08:00 20:00
"""

NOT_GERMAN = """
halb
viertel
fünfundzwanzig Uhr
acht Uhr sechzig
vor neun
hallo
Freitag
acht acht acht
"""


def rows(table: str) -> list[tuple[str, str]]:
    found = [line.rsplit(": ", 1) for line in table.strip().splitlines()]
    return [(said, expected) for said, expected in found]


@pytest.mark.parametrize(("said", "expected"), rows(ENGLISH))
def test_english(said: str, expected: str) -> None:
    reading = spoken("time", "en-US", said)
    assert reading is not None and (reading.value, reading.others) == (expected, ())


@pytest.mark.parametrize(("said", "expected"), rows(GERMAN))
def test_german(said: str, expected: str) -> None:
    reading = spoken("time", "de-DE", said)
    assert reading is not None and (reading.value, reading.others) == (expected, ())


@pytest.mark.parametrize(("tag", "said", "expected"),
    [("en-US", *row) for row in rows(ENGLISH_HALVES)] + [("de-DE", *row) for row in rows(GERMAN_HALVES)])  # fmt: skip
def test_without_the_half_of_the_day_two_times_are_possible(tag: str, said: str, expected: str) -> None:
    reading = spoken("time", tag, said, earliest="00:00", latest="23:59")
    assert reading is not None
    assert [reading.value, *reading.others] == expected.split()


@pytest.mark.parametrize(
    ("tag", "said"),
    [("en-US", said) for said in NOT_ENGLISH.strip().splitlines()]
    + [("de-DE", said) for said in NOT_GERMAN.strip().splitlines()],
)
def test_what_is_no_time(tag: str, said: str) -> None:
    assert spoken("time", tag, said) is None


@pytest.mark.parametrize(
    ("said", "settings", "expected"),
    [
        ("eight", {"earliest": "17:00", "latest": "22:00"}, "20:00"),
        ("eight", {"earliest": "08:00", "latest": "18:00"}, "08:00"),
        ("half past three", {"earliest": "08:00", "latest": "18:00"}, "15:30"),
        ("seven", {"earliest": "08:00", "latest": "18:00"}, None),
        ("eight p m", {"earliest": "08:00", "latest": "18:00"}, None),
        ("eleven", {"earliest": "22:00", "latest": "06:00"}, "23:00"),
        ("five", {"earliest": "22:00", "latest": "06:00"}, "05:00"),
        ("nine", {"earliest": "22:00", "latest": "06:00"}, None),
        ("twelve", {"earliest": "22:00", "latest": "06:00"}, "00:00"),
        ("eight", {"earliest": "12:00"}, "20:00"),
        ("eight", {"latest": "12:00"}, "08:00"),
    ],
)
def test_limits_decide_the_half_of_the_day(said: str, settings: dict[str, Any], expected: str | None) -> None:
    reading = spoken("time", "en-US", said, **settings)
    assert reading is not None
    assert (value(reading), reading.others) == (expected, ())


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("0830", "08:30"), ("830", "08:30"), ("2000", "20:00"), ("2359", "23:59"), ("0000", "00:00"), ("2400", None),
     ("2360", None), ("999", None)],
)  # fmt: skip
def test_keys_have_no_halves(typed: str, expected: str | None) -> None:
    reading = keyed("time", "en-US", typed)
    assert value(reading) == expected
    assert reading is None or not reading.others


@pytest.mark.parametrize(
    ("tag", "moment", "said"),
    [("en-US", "15:30", "3:30 PM"), ("en-US", "08:00", "8 AM"), ("de-DE", "15:30", "15 Uhr 30"),
     ("de-DE", "08:00", "8 Uhr")],
)  # fmt: skip
def test_it_is_read_back(tag: str, moment: str, said: str) -> None:
    assert kind_of("time").spoken(asked("time", tag), moment) == said


def test_every_minute_that_we_say_is_one_that_we_hear() -> None:
    for tag in ("en-US", "de-DE"):
        for minute in range(24 * 60):
            moment = f"{minute // 60:02d}:{minute % 60:02d}"
            said = kind_of("time").spoken(asked("time", tag), moment)
            reading = spoken("time", tag, said)
            assert reading is not None and moment in (reading.value, *reading.others), said
