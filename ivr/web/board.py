"""Figures of the wallboard: worked out once for everybody who looks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from ivr.calls.record import CallRecord
from ivr.errors import StorageError
from ivr.ports.desk import Bot, BotStatus, DayFigures, RecordedCalls
from ivr.web.floor import FloorFigures, FloorView

FRESH_S: Final = 1.5
"""For so long the same figures are shown to all."""
SHOWN_IN_PROGRESS: Final = 40
LONGEST_CALL: Final = timedelta(hours=24)
"""An older record that is open is not a call in progress."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What the wallboard shows."""

    at: datetime
    bot: BotStatus | None
    """None where it gives no answer."""
    day: DayFigures | None
    """None where the records cannot be read."""
    in_progress: tuple[CallRecord, ...]
    hours: tuple[datetime, ...]
    floor: FloorFigures | None
    """None where the queues cannot be read."""


class Board:
    """`now` may be called by many at once."""

    def __init__(
        self, bot: Bot, calls: RecordedCalls, floor: FloorView, now: Callable[[], datetime], zone: tzinfo | None
    ) -> None:
        """`zone` is where the day begins; None: that of the machine."""
        self._bot, self._calls, self._floor, self._clock, self._zone = bot, calls, floor, now, zone
        self._lock = asyncio.Lock()
        self._figures: Figures | None = None
        self._read_at_s = float("-inf")

    async def now(self) -> Figures:
        """The figures of this moment."""
        async with self._lock:
            if self._figures is None or time.monotonic() - self._read_at_s > FRESH_S:
                self._figures = await self._read()
                self._read_at_s = time.monotonic()
            return self._figures

    async def _read(self) -> Figures:
        at = self._clock()
        hours = hours_of_day(at, self._zone)
        status, floor, found = await asyncio.gather(
            self._bot.status(), self._floor.figures(hours), asyncio.to_thread(self._records, at, hours)
        )
        return Figures(at, status, *found, tuple(hours), floor)

    def _records(self, at: datetime, hours: Sequence[datetime]) -> tuple[DayFigures | None, tuple[CallRecord, ...]]:
        try:
            return self._calls.day(hours), tuple(self._calls.in_progress(at - LONGEST_CALL, SHOWN_IN_PROGRESS))
        except StorageError:
            return None, ()


def hours_of_day(at: datetime, zone: tzinfo | None) -> list[datetime]:
    """When the hours of the day of an instant begin, in UTC: 23, 24 or 25, as clocks are set."""
    here = at.astimezone(zone)
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
    next_day = (midnight + timedelta(days=1)).date()
    begin = _instant(midnight, zone)
    end = _instant(datetime.combine(next_day, datetime.min.time(), midnight.tzinfo), zone)
    count = max(1, round((end - begin) / timedelta(hours=1)))
    return [begin + timedelta(hours=index) for index in range(count)]


def _instant(wall: datetime, zone: tzinfo | None) -> datetime:
    """UTC of a time on the wall. The machine's own zone is looked up for that day, not for today's offset."""
    return (wall if zone else wall.replace(tzinfo=None).astimezone()).astimezone(UTC)
