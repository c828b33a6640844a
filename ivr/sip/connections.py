"""Which of the TCP connections that others opened may stay. Pure: times come in as arguments.

The library has room for a few sockets only and never closes a connection of another's, so that a handful of idle ones
would keep every further TCP caller out. Here the one that has been quiet for longest makes room, unless a call came by
it; and those that say nothing are closed after a while (RFC 3261 §18.4 leaves that to the server).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import Final

CONNECTIONS_LIMIT: Final = 16
SILENT_LIMIT_S: Final = 10.0
"""A connection by which no whole SIP request ever came is closed after this time."""
IDLE_LIMIT_S: Final = 300.0
"""One that has spoken and carries no call is closed so long after its last request."""


class Places:
    """Sockets that were opened lately: one that was closed keeps its place in the library for half a second."""

    REST_S: Final = 0.6

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken_at_s: deque[float] = deque()

    def take(self, count: int, now_s: float) -> None:
        """So many were opened."""
        self._taken_at_s.extend([now_s] * count)

    def are_full(self, now_s: float) -> bool:
        """Whether opening more has to wait."""
        while self._taken_at_s and self._taken_at_s[0] < now_s - self.REST_S:
            self._taken_at_s.popleft()
        return len(self._taken_at_s) >= self._limit


@dataclass(frozen=True, slots=True)
class Surplus:
    """What must go for a new connection."""

    closed: int
    """At once: nothing is going on there, or it is the new one itself."""
    told_to_go: int | None = None
    """As soon as it can: every older one had a request under way, and this one has been quiet for longest."""


@dataclass(slots=True)
class _Connection:
    active_at_s: float
    has_spoken: bool = False
    is_leaving: bool = False


class Connections:
    """Keeps when each was last heard. A connection is named by a number of the library's."""

    def __init__(self, limit: int = CONNECTIONS_LIMIT) -> None:
        self.limit = limit
        self._open: dict[int, _Connection] = {}

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, connection: int) -> bool:
        return connection in self._open

    def opened(
        self, connection: int, now_s: float, *, in_use: Set[int], is_busy: Callable[[int], bool]
    ) -> Surplus | None:
        """Somebody connected; what must go for it. `in_use`: those that carry calls. Busy: a request is under way."""
        older = self._quietest_first(in_use)
        self._open[connection] = _Connection(now_s)
        if len(self._open) <= self.limit:
            return None
        free = next((number for number in older if not is_busy(number)), None)
        if free is not None:
            self._open[free].is_leaving = True
            return Surplus(free)
        told_to_go = next(iter(older), None)
        for number in (connection, told_to_go):
            if number is not None:
                self._open[number].is_leaving = True
        return Surplus(connection, told_to_go)

    def _quietest_first(self, in_use: Set[int]) -> list[int]:
        staying = (number for number, known in self._open.items() if not known.is_leaving and number not in in_use)
        return sorted(staying, key=lambda number: self._open[number].active_at_s)

    def heard(self, connection: int, now_s: float) -> None:
        """A SIP request came by it; one that others did not open is not kept here and ignored."""
        known = self._open.get(connection)
        if known is not None:
            known.active_at_s, known.has_spoken = now_s, True

    def closed(self, connection: int) -> None:
        """It is gone."""
        self._open.pop(connection, None)

    def overdue(self, now_s: float, in_use: Set[int]) -> list[int]:
        """Those that have been quiet for too long and now must go."""
        late = [number for number in self._quietest_first(in_use) if self._is_late(self._open[number], now_s)]
        for number in late:
            self._open[number].is_leaving = True
        return late

    @staticmethod
    def _is_late(known: _Connection, now_s: float) -> bool:
        return now_s - known.active_at_s >= (IDLE_LIMIT_S if known.has_spoken else SILENT_LIMIT_S)
