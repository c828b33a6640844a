"""`CalendarService`: the calendars of the settings, public holidays, and the switch that an operator throws by hand.

The switch is a file per calendar: `var/hours/office`. What is in it is JSON, as `ivr hours close` writes it; an empty
file (`touch var/hours/office`) closes too. It is read for every question, so that it counts at once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from ivr.config_services import CalendarSettings, date_of, days_of, minutes_of, stretch_of
from ivr.errors import ConfigError
from ivr.flow.calendar import Calendar, Hours, Span, Switch, hours_at
from ivr.flow.jobs import JobOutcome, JobResult
from ivr.services.holiday_list import holiday_name

log = structlog.get_logger(__name__)


def calendar_of(settings: CalendarSettings) -> Calendar:
    """The calendar that the settings describe. Raises ConfigError for an unknown zone or region."""
    try:
        zone = ZoneInfo(settings.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = f"'{settings.timezone}' is not a time zone; write an IANA name such as Europe/Berlin"
        raise ConfigError(message) from error
    week: list[list[Span]] = [[] for _ in range(7)]
    for days, ranges in settings.open.items():
        for number in days_of(days):
            week[number] += _spans(ranges)
    regions = settings.holidays
    return Calendar(
        zone,
        tuple(map(tuple, week)),
        tuple(stretch_of(text) for text in settings.closed),
        {date_of(day): _spans(ranges) for day, ranges in settings.extra_open.items()},
        lambda day: next((name for region in regions if (name := holiday_name(region, day))), ""),
    )


def _spans(ranges: tuple[str, ...]) -> tuple[Span, ...]:
    return tuple(Span(*minutes_of(text)) for text in ranges)


class HoursService:
    """Opening hours of the settings."""

    def __init__(
        self, calendars: Mapping[str, CalendarSettings], switches: Path, now: Callable[[], datetime] | None = None
    ) -> None:
        """Raises ConfigError with the calendar's name where one cannot be used. `switches` is the folder of files."""
        self._switches = switches
        self._now = now or (lambda: datetime.now(UTC))
        self._calendars: dict[str, Calendar] = {}
        for name, settings in calendars.items():
            try:
                self._calendars[name] = calendar = calendar_of(settings)
                calendar.holiday_of(self._now().date())
            except ConfigError as error:
                raise ConfigError(f"calendars: {name}: {error}") from error

    @property
    def names(self) -> list[str]:
        """Names of the calendars."""
        return list(self._calendars)

    def zone_of(self, name: str) -> ZoneInfo:
        """A calendar's time zone."""
        zone = self._calendars[name].zone
        assert isinstance(zone, ZoneInfo)
        return zone

    def hours(self, calendar: str) -> JobResult:
        """What the calendar says now."""
        try:
            return JobResult(JobOutcome.DONE, self.state_of(calendar).variables())
        except KeyError:
            log.error("unknown_calendar", calendar=calendar)
            return JobResult(JobOutcome.FAILED, detail=f"no calendar '{calendar}' in the settings")

    def state_of(self, name: str) -> Hours:
        """What the calendar says now. Raises KeyError for an unknown one."""
        return hours_at(self._calendars[name], self._now(), self.switch_of(name))

    # --- the switch

    def switch_of(self, name: str) -> Switch | None:
        """What was said by hand, or None."""
        try:
            return read_switch((self._switches / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            log.error("switch_unreadable", calendar=name, reason=str(error))
            return Switch(is_open=False)

    def throw(self, name: str, switch: Switch) -> None:
        """Say it by hand, from now on. Raises OSError."""
        self._switches.mkdir(parents=True, exist_ok=True)
        until = switch.until.isoformat() if switch.until else None
        content = {"state": "open" if switch.is_open else "closed", "until": until, "reason": switch.reason}
        draft = self._switches / f".{name}.{os.getpid()}"
        draft.write_text(json.dumps(content) + "\n", encoding="utf-8")
        draft.rename(self._switches / name)

    def take_back(self, name: str) -> None:
        """Let the plan say it again. Raises OSError."""
        (self._switches / name).unlink(missing_ok=True)


def read_switch(content: str) -> Switch:
    """What a switch's file says. One that cannot be understood closes: somebody meant something by it."""
    try:
        data = json.loads(content or "{}")
        until = datetime.fromisoformat(data["until"]) if data.get("until") else None
        if until is not None and until.tzinfo is None:
            until = until.replace(tzinfo=UTC)
        return Switch(data.get("state") == "open", until, str(data.get("reason", "")))
    except (ValueError, TypeError, AttributeError):
        return Switch(is_open=False, reason=" ".join(content.split())[:200])
