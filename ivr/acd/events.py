"""What happens in queues, as it is kept for the measures. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

from ivr.immutable import immutable

FULL: Final = "full"
TOO_LONG: Final = "too_long"
NOT_REACHED: Final = "not_reached"
CALLED_BACK: Final = "callback"
TURNED_AWAY: Final = (FULL, TOO_LONG)
"""What a caller did not choose."""


class EventKind(StrEnum):
    """What happened."""

    ENTERED = "entered"
    OFFERED = "offered"
    MISSED = "missed"
    """An offer that the agent did not take; `detail` says why."""
    CONNECTED = "connected"
    """`seconds` is what the caller waited; `detail` is `callback` where that was without the line."""
    ENDED = "ended"
    """`seconds` is the talk."""
    ABANDONED = "abandoned"
    """`seconds` is what the caller waited, here and below."""
    SHORT_ABANDONED = "short_abandoned"
    LEFT = "left"
    """`detail`: `full`, `too_long`, the exit of a key, or `not_reached` for a callback that was given up."""
    MOVED = "moved"
    """To the queue that `detail` names."""
    CALLBACK = "callback"
    """Asked for; the caller still waits, without the line."""
    LOST = "lost"
    """The process that had the call died."""
    AGENT = "agent"
    """An agent left the state that `detail` names, after `seconds`."""


@immutable
class QueueEvent:
    """One thing that happened."""

    at: datetime
    kind: EventKind
    queue: str = ""
    """Empty for an agent's state that belongs to no call."""
    call_id: str = ""
    agent: str = ""
    detail: str = ""
    seconds: float = 0.0
