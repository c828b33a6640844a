"""What a peer does with calls and REFERs that come to it. Plain values."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ivr.testing.sip_peer.call import PeerCall


@dataclass(frozen=True, slots=True)
class AnswerAfter:
    """Ring, then answer."""

    after_s: float = 0.0
    rings: bool = True
    """Whether 180 is sent first."""


@dataclass(frozen=True, slots=True)
class RingForever:
    """180 and nothing more, until the caller cancels."""


@dataclass(frozen=True, slots=True)
class Reject:
    """Refuse with a final status."""

    status: int
    after_s: float = 0.0
    """Rings meanwhile if it is above 0."""


BUSY = Reject(486)
DECLINE = Reject(603)
NOT_FOUND = Reject(404)

IncomingPolicy = AnswerAfter | RingForever | Reject | Callable[["PeerCall"], Awaitable[None]]
"""A callback is run as a task for each call; it uses `call.ring()`, `call.answer()`, `call.reject(status)`."""


@dataclass(frozen=True, slots=True)
class FollowRefer:
    """202, NOTIFY 100, dial the target (with Replaces if asked), NOTIFY its provisional and final status."""

    hangs_up: bool = False
    """Whether the old call is ended by us once the new one is answered (else the transferor does it)."""


@dataclass(frozen=True, slots=True)
class RefuseRefer:
    """Refuse the REFER itself."""

    status: int = 603


@dataclass(frozen=True, slots=True)
class FailRefer:
    """202, NOTIFY 100, then a final NOTIFY with a failure; nobody is dialled."""

    status: int = 503
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class IgnoreRefer:
    """202 and never a NOTIFY."""


ReferPolicy = FollowRefer | RefuseRefer | FailRefer | IgnoreRefer
