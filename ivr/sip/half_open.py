"""Which offered calls are taken, and which half-open ones make room for them. Pure: times come in as arguments.

A call is half open from its INVITE until the ACK of our 200. Who sends INVITEs and nothing else takes no more legs than
the limit of its address: those that it never acknowledged count for a minute longer. And where legs are wanted, a 200
is not repeated for 32 s (64*T1, RFC 3261 §13.3.1.4) before the call is given up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ivr.ports import LegId
from ivr.sip import codes

REMEMBERED_S: Final = 60.0
"""So long a call that was never acknowledged counts against its source after its end."""
WANTED_LIMIT_S: Final = 4.0
"""Where all legs are taken, a 200 may wait so long for its ACK: it has been sent four times (0, 0.5, 1.5, 3.5 s)."""


@dataclass(frozen=True, slots=True)
class HalfOpen:
    """A caller's leg that is not confirmed."""

    leg: LegId
    source: str
    """Host that the INVITE came from; empty for one that has no limit."""
    accepted_at_s: float | None
    """When the 200 was sent."""
    is_leaving: bool = False
    """It has been given up, or cannot be."""


class HalfOpenLimit:
    """Decides on offered legs, and remembers who left calls unacknowledged."""

    def __init__(self, per_source_limit: int) -> None:
        self._per_source_limit = per_source_limit
        self._unacknowledged: deque[tuple[float, str]] = deque()

    def refusal(
        self, source: str, half_open: Sequence[HalfOpen], callers: int, *, callers_limit: int, now_s: float
    ) -> int | None:
        """The status that a leg is refused with, which is among those counted; None for one that is taken."""
        if callers > callers_limit or self._is_over(source, half_open, now_s):
            return codes.BUSY_HERE
        return None

    def _is_over(self, source: str, half_open: Sequence[HalfOpen], now_s: float) -> bool:
        if not source:
            return False
        while self._unacknowledged and self._unacknowledged[0][0] <= now_s - REMEMBERED_S:
            self._unacknowledged.popleft()
        before = sum(host == source for _, host in self._unacknowledged)
        return before + sum(call.source == source for call in half_open) > self._per_source_limit

    def left(self, source: str, now_s: float) -> None:
        """A leg that we answered ended without an ACK."""
        if source:
            self._unacknowledged.append((now_s, source))


def overdue(half_open: Iterable[HalfOpen], now_s: float) -> list[LegId]:
    """Legs that make room when all are taken."""
    return [
        call.leg
        for call in half_open
        if not call.is_leaving and call.accepted_at_s is not None and now_s - call.accepted_at_s >= WANTED_LIMIT_S
    ]
