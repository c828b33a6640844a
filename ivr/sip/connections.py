"""Which of the TCP connections that others opened may stay. Pure: times come in as arguments.

The library has room for a few sockets only and never closes a connection of another's, so that a handful of idle ones
would keep every further TCP caller out. Here the one that has been quiet for longest makes room, unless a call came by
it; and those that say nothing are closed after a while (RFC 3261 §18.4 leaves that to the server).
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Final

CONNECTIONS_LIMIT: Final = 12
SILENT_LIMIT_S: Final = 10.0
"""A connection by which no whole SIP request ever came is closed after this time."""
IDLE_LIMIT_S: Final = 300.0
"""One that has spoken and carries no call is closed so long after its last request."""


@dataclass(slots=True)
class _Connection:
    active_at_s: float
    has_spoken: bool = False


class Connections:
    """Keeps when each was last heard. A connection is named by a number of the library's."""

    def __init__(self, limit: int = CONNECTIONS_LIMIT) -> None:
        self.limit = limit
        self._open: dict[int, _Connection] = {}

    def __len__(self) -> int:
        return len(self._open)

    def opened(self, connection: int, now_s: float) -> None:
        """Somebody connected."""
        self._open[connection] = _Connection(now_s)

    def heard(self, connection: int, now_s: float) -> None:
        """A SIP request came by it; one that others did not open is not kept here and ignored."""
        known = self._open.get(connection)
        if known is not None:
            known.active_at_s, known.has_spoken = now_s, True

    def closed(self, connection: int) -> None:
        """It is gone, or told to go."""
        self._open.pop(connection, None)

    def surplus(self, in_use: Set[int]) -> list[int]:
        """Those that must make room, the longest quiet first; `in_use` are those that carry calls."""
        free = sorted(self._open.keys() - in_use, key=lambda number: self._open[number].active_at_s)
        return free[: max(0, len(self._open) - self.limit)]

    def overdue(self, now_s: float, in_use: Set[int]) -> list[int]:
        """Those that have been quiet for too long."""
        return [
            number
            for number, known in self._open.items()
            if number not in in_use
            and now_s - known.active_at_s >= (IDLE_LIMIT_S if known.has_spoken else SILENT_LIMIT_S)
        ]
