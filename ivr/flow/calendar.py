"""Opening hours: what a calendar says at an instant, and when it says something else. Pure.

Hours are those of the clock on the wall in the calendar's time zone. A range belongs to the day that it begins on, and
may go past midnight ("22:00-06:00"). Where the clocks change, a range begins at the first instant at which the wall
clock shows its beginning or more, and ends at the last one at which it shows its end: an hour that does not exist is
never waited for, and one that comes twice is open twice.

    switch by hand (emergency) > extra_open > closed > holiday > week
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from ivr.immutable import immutable

HORIZON_DAYS = 400
"""How far ahead an opening is looked for."""

MINUTES_PER_DAY = 24 * 60


class HoursState(StrEnum):
    """What a calendar says, as the exits of `hours` name it."""

    OPEN = "open"
    CLOSED = "closed"
    HOLIDAY = "holiday"
    EMERGENCY = "emergency"
    """Closed by hand."""


@immutable
class Span:
    """A range of one day, in minutes from its midnight; `end_min` is beyond 24 hours where it goes past midnight."""

    start_min: int
    end_min: int


@immutable
class Switch:
    """What an operator said by hand."""

    is_open: bool
    until: datetime | None = None
    """UTC-aware; None until it is taken back."""
    reason: str = ""


@dataclass(frozen=True)
class Calendar:
    """When somebody is there."""

    zone: tzinfo
    week: tuple[tuple[Span, ...], ...]
    """By weekday, Monday first."""
    closed: tuple[tuple[date, date], ...] = ()
    """First and last day of each stretch."""
    extra_open: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)
    """Hours besides those of the week; the only ones on a closed day or a holiday."""
    holiday_of: Callable[[date], str] = lambda day: ""
    """Name of a day's public holiday, or an empty text."""


@immutable
class Hours:
    """What a calendar says at one instant. Times are in the calendar's zone."""

    state: HoursState
    reason: str = ""
    """Name of the holiday, or what the operator wrote."""
    next_open: datetime | None = None
    """When it opens next; None while it is open, and where no opening is in sight."""
    closes: datetime | None = None
    """When it closes; None while it is closed, and where no end is in sight."""
    opens_today: bool = False

    @property
    def next_change(self) -> datetime | None:
        """When the answer changes between open and closed."""
        return self.next_open or self.closes

    def variables(self) -> dict[str, object]:
        """As a flow sees it: `hours.next_open | time`. Unknown times are empty texts."""
        return {
            "state": str(self.state),
            "reason": self.reason,
            "next_open": self.next_open.isoformat() if self.next_open else "",
            "closes": self.closes.isoformat() if self.closes else "",
            "opens_today": self.opens_today,
        }


def hours_at(calendar: Calendar, now: datetime, switch: Switch | None = None) -> Hours:
    """What the calendar says at `now` (aware)."""
    if switch is not None and (switch.until is None or now < switch.until):
        return _by_hand(calendar, now, switch)
    start, end = _stretch(calendar, now)
    local = now.astimezone(calendar.zone)
    if start is not None and start <= now:
        return Hours(HoursState.OPEN, closes=_local(calendar, end))
    holiday = "" if _is_closed(calendar, local.date()) else calendar.holiday_of(local.date())
    state = HoursState.HOLIDAY if holiday else HoursState.CLOSED
    return _shut(calendar, now, state, holiday, start)


def _by_hand(calendar: Calendar, now: datetime, switch: Switch) -> Hours:
    """Until `switch.until` the operator's word holds; what follows is the plan's."""
    later = _stretch(calendar, switch.until) if switch.until else (None, None)
    goes_on = later[0] is not None and switch.until is not None and later[0] <= switch.until
    if switch.is_open:
        return Hours(HoursState.OPEN, switch.reason, closes=_local(calendar, later[1] if goes_on else switch.until))
    return _shut(calendar, now, HoursState.EMERGENCY, switch.reason, switch.until if goes_on else later[0])


def _shut(calendar: Calendar, now: datetime, state: HoursState, reason: str, opens: datetime | None) -> Hours:
    opens = _local(calendar, opens)
    is_today = opens is not None and opens.date() == now.astimezone(calendar.zone).date()
    return Hours(state, reason, next_open=opens, opens_today=is_today)


def _local(calendar: Calendar, instant: datetime | None) -> datetime | None:
    return instant.astimezone(calendar.zone) if instant else None


def _stretch(calendar: Calendar, now: datetime) -> tuple[datetime | None, datetime | None]:
    """Beginning and end (UTC) of the open stretch that `now` lies in, else of the next one; ends that touch are one."""
    start: datetime | None = None
    end: datetime | None = None
    for from_, to in _ranges(calendar, now):
        if to <= now:
            continue
        if end is None:
            start, end = from_, to
        elif from_ <= end:
            end = max(end, to)
        else:
            return start, end
    return start, None if end is None or _is_beyond(end, now) else end


def _is_beyond(end: datetime, now: datetime) -> bool:
    return end - now > timedelta(days=HORIZON_DAYS - 2)


def _ranges(calendar: Calendar, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Every range from the day before `now` on, in order of their beginnings."""
    first = now.astimezone(calendar.zone).date() - timedelta(days=1)
    for number in range(HORIZON_DAYS):
        day = first + timedelta(days=number)
        for span in sorted(_spans(calendar, day), key=lambda span: span.start_min):
            yield _instant(calendar, day, span.start_min), _instant(calendar, day, span.end_min, is_end=True)


def _spans(calendar: Calendar, day: date) -> Sequence[Span]:
    extra = calendar.extra_open.get(day, ())
    if _is_closed(calendar, day) or calendar.holiday_of(day):
        return extra
    return (*calendar.week[day.weekday()], *extra)


def _is_closed(calendar: Calendar, day: date) -> bool:
    return any(first <= day <= last for first, last in calendar.closed)


def _instant(calendar: Calendar, day: date, minutes: int, *, is_end: bool = False) -> datetime:
    """The instant (UTC) at which the wall clock shows so many minutes after the day's midnight."""
    days, rest = divmod(minutes, MINUTES_PER_DAY)
    wall = datetime.combine(day + timedelta(days=days), time(rest // 60, rest % 60))
    early = wall.replace(tzinfo=calendar.zone, fold=0).astimezone(UTC)
    late = wall.replace(tzinfo=calendar.zone, fold=1).astimezone(UTC)
    if late < early:  # the clocks skip this time: the instant of the change
        return _change(calendar.zone, late, early)
    return late if is_end else early


def _change(zone: tzinfo, before: datetime, after: datetime) -> datetime:
    """The minute between two instants at which the offset of the zone changes."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(minutes=1):
        middle = before + (after - before) / 2
        middle -= timedelta(seconds=middle.second, microseconds=middle.microsecond)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after
