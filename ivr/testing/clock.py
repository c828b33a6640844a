"""Time that only a test moves on. Stands in for the wall clock and for the loop's timers."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from math import inf

DEFAULT_START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class ManualTimer:
    """A timer of a `ManualClock`."""

    __slots__ = ("callback", "is_cancelled")

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback = callback
        self.is_cancelled = False

    def cancel(self) -> None:
        """Forget it."""
        self.is_cancelled = True


@dataclass
class ManualClock:
    """Implements `ivr.ports.Clock` and `ivr.calls.timers.Timers`; timers fire in order while time is moved on."""

    started_at: datetime = DEFAULT_START
    started_s: float = 1000.0
    _now_s: float = field(init=False)
    _timers: list[tuple[float, int, ManualTimer]] = field(default_factory=list, init=False)
    """A heap: when each is due, and the how manieth it was."""
    _order: count[int] = field(default_factory=count, init=False)

    def __post_init__(self) -> None:
        self._now_s = self.started_s

    def monotonic_s(self) -> float:
        """Seconds that never jump."""
        return self._now_s

    def now(self) -> datetime:
        """UTC-aware wall clock."""
        return self.started_at + timedelta(seconds=self._now_s - self.started_s)

    def call_later(self, after_s: float, callback: Callable[[], object], /) -> ManualTimer:
        """Call back when time has been moved on by so many seconds."""
        timer = ManualTimer(callback)
        due_s = self._now_s + after_s if after_s > 0.0 else self._now_s
        heapq.heappush(self._timers, (due_s, next(self._order), timer))
        return timer

    @property
    def timer_count(self) -> int:
        """Timers that still run."""
        return sum(not timer.is_cancelled for _, _, timer in self._timers)

    @property
    def next_due_s(self) -> float | None:
        """Seconds until the next timer; None where none runs."""
        self._drop_cancelled()
        return self._timers[0][0] - self._now_s if self._timers else None

    def advance(self, seconds: float = 0.0) -> None:
        """Move time on; each timer on the way fires at its own instant, those that it starts included."""
        end_s = self._now_s + seconds
        while self._fire_next(end_s):
            pass
        self._now_s = end_s

    def advance_to_next(self) -> bool:
        """Move time on to the next timer and fire it; False where none runs."""
        return self._fire_next(inf)

    def _fire_next(self, end_s: float) -> bool:
        self._drop_cancelled()
        if not self._timers or self._timers[0][0] > end_s:
            return False
        due_s, _, timer = heapq.heappop(self._timers)
        if due_s > self._now_s:
            self._now_s = due_s
        timer.callback()
        return True

    def _drop_cancelled(self) -> None:
        while self._timers and self._timers[0][2].is_cancelled:
            heapq.heappop(self._timers)
