"""Opening hours at an instant: ranges, time zones, changes of the clock, holidays, the switch."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ivr.flow.calendar import Calendar, Hours, HoursState, Span, Switch, hours_at

pytestmark = pytest.mark.unit

BERLIN = ZoneInfo("Europe/Berlin")
NINE_TO_SIX = (Span(9 * 60, 12 * 60), Span(13 * 60, 18 * 60))
OFFICE_WEEK = (NINE_TO_SIX,) * 5 + ((), ())
MAY_DAY = date(2026, 5, 1)


def calendar(week: tuple[tuple[Span, ...], ...] = OFFICE_WEEK, **more: object) -> Calendar:
    return Calendar(BERLIN, week, **{"holiday_of": lambda day: "May Day" if day == MAY_DAY else "", **more})  # type: ignore[arg-type]


def at(text: str, *, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold)


def shown(hours: Hours) -> tuple[str, str, str]:
    """State, next opening and closing, in local time."""
    opens, closes = (f"{instant:%a %d %b %H:%M}" if instant else "" for instant in (hours.next_open, hours.closes))
    return str(hours.state), opens, closes


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-03-02 08:59:59", ("closed", "Mon 02 Mar 09:00", "")),
        ("2026-03-02 09:00", ("open", "", "Mon 02 Mar 12:00")),
        ("2026-03-02 11:59:59", ("open", "", "Mon 02 Mar 12:00")),
        ("2026-03-02 12:00", ("closed", "Mon 02 Mar 13:00", "")),
        ("2026-03-02 18:00", ("closed", "Tue 03 Mar 09:00", "")),
        ("2026-03-06 18:00", ("closed", "Mon 09 Mar 09:00", "")),
        ("2026-05-01 10:00", ("holiday", "Mon 04 May 09:00", "")),
        ("2026-04-30 20:00", ("closed", "Mon 04 May 09:00", "")),
    ],
)
def test_a_week(now: str, expected: tuple[str, str, str]) -> None:
    assert shown(hours_at(calendar(), at(now))) == expected


def test_the_answer_is_the_same_wherever_the_clock_that_asks_stands() -> None:
    moment = at("2026-03-02 09:00")
    assert hours_at(calendar(), moment.astimezone(UTC)) == hours_at(calendar(), moment)
    assert hours_at(calendar(), moment).state is HoursState.OPEN


def test_ranges_that_touch_are_one() -> None:
    week = ((Span(0, 1440),),) * 5 + ((Span(0, 720),), ())
    assert shown(hours_at(calendar(week), at("2026-03-02 15:00")))[2] == "Sat 07 Mar 12:00"


def test_who_never_closes_has_no_closing_and_who_never_opens_no_opening() -> None:
    always = calendar(((Span(0, 1440),),) * 7, holiday_of=lambda day: "")
    assert hours_at(always, at("2026-03-02 15:00")) == Hours(HoursState.OPEN)
    assert hours_at(calendar(((),) * 7), at("2026-03-02 15:00")) == Hours(HoursState.CLOSED)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-03-02 21:59", ("closed", "Mon 02 Mar 22:00", "")),
        ("2026-03-02 23:00", ("open", "", "Tue 03 Mar 06:00")),
        ("2026-03-03 05:59", ("open", "", "Tue 03 Mar 06:00")),
        ("2026-03-03 06:00", ("closed", "Tue 03 Mar 22:00", "")),
        ("2026-05-01 05:00", ("open", "", "Fri 01 May 06:00")),
        ("2026-05-01 07:00", ("holiday", "Sat 02 May 22:00", "")),
    ],
)
def test_a_night_belongs_to_the_day_that_it_begins_on(now: str, expected: tuple[str, str, str]) -> None:
    nights = calendar(((Span(22 * 60, 30 * 60),),) * 7)
    assert shown(hours_at(nights, at(now))) == expected


CLOSED = ((date(2026, 12, 24), date(2026, 12, 24)), (date(2026, 12, 27), date(2026, 12, 31)))


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-12-24 10:00", ("closed", "Fri 25 Dec 09:00", "")),
        ("2026-12-28 10:00", ("closed", "Wed 30 Dec 10:00", "")),
        ("2026-12-30 11:00", ("open", "", "Wed 30 Dec 12:00")),
        ("2026-12-30 13:00", ("closed", "Fri 01 Jan 09:00", "")),
        ("2026-12-05 11:00", ("open", "", "Sat 05 Dec 16:00")),
    ],
)
def test_closed_days_and_extra_ones(now: str, expected: tuple[str, str, str]) -> None:
    extra = {date(2026, 12, 5): (Span(600, 960),), date(2026, 12, 30): (Span(600, 720),)}
    assert shown(hours_at(calendar(closed=CLOSED, extra_open=extra), at(now))) == expected


def test_extra_hours_come_on_top_of_the_weeks_and_are_the_only_ones_of_a_holiday() -> None:
    extra = {date(2026, 3, 2): (Span(18 * 60, 20 * 60),), MAY_DAY: (Span(600, 660),)}
    both = calendar(extra_open=extra)
    assert shown(hours_at(both, at("2026-03-02 14:00"))) == ("open", "", "Mon 02 Mar 20:00")
    assert shown(hours_at(both, at("2026-05-01 10:30"))) == ("open", "", "Fri 01 May 11:00")
    assert shown(hours_at(both, at("2026-05-01 11:30"))) == ("holiday", "Mon 04 May 09:00", "")


def test_a_holiday_has_its_name() -> None:
    assert hours_at(calendar(), at("2026-05-01 10:00")).reason == "May Day"


# --- changes of the clock: 29 March 2026, 02:00 becomes 03:00; 25 October 2026, 03:00 becomes 02:00


def test_hours_of_the_wall_clock_stay_when_the_clocks_change() -> None:
    for day in ("2026-03-27", "2026-03-30", "2026-10-23", "2026-10-26"):
        assert hours_at(calendar(), at(f"{day} 09:00")).state is HoursState.OPEN
        assert hours_at(calendar(), at(f"{day} 08:59")).state is HoursState.CLOSED


def test_a_beginning_that_does_not_exist_is_the_instant_of_the_change() -> None:
    half_past_two = calendar(((Span(150, 300),),) * 7)
    change = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert hours_at(half_past_two, change - timedelta(minutes=1)).next_open == change
    assert hours_at(half_past_two, change).state is HoursState.OPEN


def test_an_end_that_does_not_exist_is_the_instant_of_the_change() -> None:
    until_half_past_two = calendar(((Span(0, 150),),) * 7)
    change = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert hours_at(until_half_past_two, change - timedelta(minutes=1)).closes == change
    assert hours_at(until_half_past_two, change).state is HoursState.CLOSED


def test_an_hour_that_comes_twice_is_open_twice() -> None:
    two_to_three = calendar(((Span(120, 180),),) * 7)
    for fold in (0, 1):
        assert hours_at(two_to_three, at("2026-10-25 02:30", fold=fold)).state is HoursState.OPEN
    closes = hours_at(two_to_three, at("2026-10-25 02:30")).closes
    assert closes == datetime(2026, 10, 25, 2, 0, tzinfo=UTC)


def test_a_night_through_a_change_has_its_true_length() -> None:
    nights = calendar(((Span(22 * 60, 30 * 60),),) * 7)
    spring = hours_at(nights, at("2026-03-28 22:00"))
    autumn = hours_at(nights, at("2026-10-24 22:00"))
    assert spring.closes and spring.closes.astimezone(UTC) == datetime(2026, 3, 29, 4, 0, tzinfo=UTC)
    assert autumn.closes and autumn.closes.astimezone(UTC) == datetime(2026, 10, 25, 5, 0, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe", "Africa/Casablanca"])
def test_in_every_zone_and_minute_the_next_change_is_later_and_changes_the_answer(zone: str) -> None:
    place = Calendar(ZoneInfo(zone), ((Span(0, 45), Span(90, 150), Span(600, 1500)),) * 7)
    now = datetime(2026, 3, 1, tzinfo=UTC)
    for _ in range(600):
        hours = hours_at(place, now)
        change = hours.next_change
        assert change is not None and change > now
        assert hours_at(place, change).state is not hours.state
        assert hours_at(place, change - timedelta(microseconds=1)).state is hours.state
        now += timedelta(minutes=511)


# --- the switch


def test_closed_by_hand_until_it_is_taken_back() -> None:
    hours = hours_at(calendar(), at("2026-03-02 10:00"), Switch(is_open=False, reason="burst pipe"))
    assert hours == Hours(HoursState.EMERGENCY, "burst pipe")


@pytest.mark.parametrize(
    ("until", "next_open"),
    [("2026-03-02 15:00", "Mon 02 Mar 15:00"), ("2026-03-02 20:00", "Tue 03 Mar 09:00")],
)
def test_closed_by_hand_until_a_time(until: str, next_open: str) -> None:
    switch = Switch(is_open=False, until=at(until).astimezone(UTC))
    assert shown(hours_at(calendar(), at("2026-03-02 10:00"), switch)) == ("emergency", next_open, "")
    assert hours_at(calendar(), at(until), switch) == hours_at(calendar(), at(until))


def test_open_by_hand_until_a_time() -> None:
    switch = Switch(is_open=True, until=at("2026-03-02 20:00").astimezone(UTC))
    assert shown(hours_at(calendar(), at("2026-03-02 12:30"), switch)) == ("open", "", "Mon 02 Mar 20:00")
    early = Switch(is_open=True, until=at("2026-03-02 14:00").astimezone(UTC))
    assert shown(hours_at(calendar(), at("2026-03-02 12:30"), early)) == ("open", "", "Mon 02 Mar 18:00")


def test_what_a_flow_sees() -> None:
    assert hours_at(calendar(), at("2026-03-02 08:00")).variables() == {
        "state": "closed",
        "reason": "",
        "next_open": "2026-03-02T09:00:00+01:00",
        "closes": "",
        "opens_today": True,
    }
    assert hours_at(calendar(), at("2026-03-02 18:00")).variables()["opens_today"] is False
