"""Calendars of the settings: time zones, public holidays, the switch."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from ivr.config_services import CalendarSettings
from ivr.errors import ConfigError
from ivr.flow.calendar import HoursState, Switch
from ivr.flow.jobs import JobOutcome
from ivr.services.hours import HoursService, calendar_of, read_switch

pytestmark = pytest.mark.adapter

OFFICE = CalendarSettings.model_validate(
    {
        "timezone": "Europe/Berlin",
        "open": {"mon-fri": ["09:00-12:00", "13:00-18:00"], "sat": "10:00-12:00", "sun-mon": "20:00-02:00"},
        "holidays": "DE-BE",
        "closed": ["2026-12-24", "2026-12-27..2026-12-31"],
        "extra_open": {"2026-12-05": ["10:00-16:00"]},
    }
)
MONDAY_TEN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def service(folder: Path, now: datetime = MONDAY_TEN) -> HoursService:
    return HoursService({"office": OFFICE}, folder, lambda: now)


@pytest.mark.parametrize(
    ("now", "state"),
    [
        ("2026-03-02T09:00", HoursState.OPEN),
        ("2026-03-02T11:30", HoursState.CLOSED),
        ("2026-03-02T20:00", HoursState.OPEN),
        ("2026-03-09T09:00", HoursState.OPEN),
        ("2026-03-08T12:00", HoursState.HOLIDAY),
        ("2026-12-24T10:00", HoursState.CLOSED),
        ("2026-12-25T10:00", HoursState.HOLIDAY),
        ("2026-12-05T14:00", HoursState.OPEN),
    ],
)
def test_the_week_of_the_settings(tmp_path: Path, now: str, state: HoursState) -> None:
    assert service(tmp_path, datetime.fromisoformat(now).replace(tzinfo=UTC)).state_of("office").state is state


def test_holidays_are_those_of_the_part_of_the_country(tmp_path: Path) -> None:
    womens_day = datetime(2027, 3, 8, 9, 0, tzinfo=UTC)
    assert service(tmp_path, womens_day).state_of("office").state is HoursState.HOLIDAY
    bavaria = OFFICE.model_copy(update={"holidays": ("DE-BY",)})
    assert HoursService({"x": bavaria}, tmp_path, lambda: womens_day).state_of("x").state is HoursState.OPEN
    assert calendar_of(OFFICE.model_copy(update={"holidays": ("US", "DE")})).holiday_of(date(2026, 7, 3))


def test_a_job_is_answered_with_variables(tmp_path: Path) -> None:
    result = service(tmp_path).hours("office")
    assert result.outcome is JobOutcome.DONE and isinstance(result.value, dict)
    assert (result.value["state"], result.value["closes"]) == ("open", "2026-03-02T12:00:00+01:00")
    assert service(tmp_path).hours("shop").outcome is JobOutcome.FAILED


@pytest.mark.parametrize(
    "wrong",
    [
        {"open": {"mon-fry": ["09:00-12:00"]}},
        {"open": {"mon": ["9-12"]}},
        {"open": {"mon": ["09:00-25:00"]}},
        {"open": {"mon": ["09:00-09:00"]}},
        {"closed": ["2026-02-30"]},
        {"closed": ["2026-12-31..2026-12-01"]},
        {"extra_open": {"tomorrow": ["09:00-12:00"]}},
        {"holidays": "Germany"},
        {"hollidays": "DE"},
    ],
)
def test_a_calendar_that_means_nothing_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CalendarSettings.model_validate(wrong)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"timezone": "Europe/Berlon"}, "not a time zone"), ({"timezone": "../x"}, "not a time zone"),
     ({"holidays": "QQ"}, "no holidays are known"), ({"holidays": "DE-XX"}, "no holidays are known")],
)  # fmt: skip
def test_an_unknown_zone_or_country_is_told_at_the_start(tmp_path: Path, wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=rf"calendars: office: .*{said}"):
        HoursService({"office": CalendarSettings.model_validate(wrong)}, tmp_path)


# --- the switch


def test_the_switch_counts_at_once_and_until_it_is_taken_back(tmp_path: Path) -> None:
    office = service(tmp_path / "hours")
    office.throw("office", Switch(is_open=False, reason="burst pipe"))
    assert (office.state_of("office").state, office.state_of("office").reason) == (HoursState.EMERGENCY, "burst pipe")
    other_process = service(tmp_path / "hours")
    assert other_process.state_of("office").state is HoursState.EMERGENCY
    office.take_back("office")
    office.take_back("office")
    assert other_process.state_of("office").state is HoursState.OPEN


def test_the_switch_ends_by_itself(tmp_path: Path) -> None:
    until = MONDAY_TEN + timedelta(hours=1)
    service(tmp_path).throw("office", Switch(is_open=False, until=until))
    assert service(tmp_path).state_of("office").state is HoursState.EMERGENCY
    assert service(tmp_path, until).state_of("office").state is HoursState.OPEN


@pytest.mark.parametrize(
    ("content", "switch"),
    [
        ("", Switch(is_open=False)),
        ("burst pipe\n", Switch(is_open=False, reason="burst pipe")),
        ('{"state": "open"}', Switch(is_open=True)),
        ('{"until": "2026-03-02T10:00:00"}', Switch(is_open=False, until=MONDAY_TEN + timedelta(hours=1))),
        ('{"until": "soon"}', Switch(is_open=False, reason='{"until": "soon"}')),
        ("[]", Switch(is_open=False, reason="[]")),
    ],
)
def test_a_file_that_a_person_made_closes_too(content: str, switch: Switch) -> None:
    assert read_switch(content) == switch
