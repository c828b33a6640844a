"""What can happen to a caller in a queue. What happens with an agent's leg is a `TargetEvent` of transfers."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.acd.floor import Ring
from ivr.acd.standing import Standing
from ivr.calls.transfer_events import CallerEnded, TargetEvent


@dataclass(frozen=True, slots=True)
class QueueingNews:
    """Something that the queues, or the flow, have to say."""


@dataclass(frozen=True, slots=True)
class Entered(QueueingNews):
    """The caller waits now."""

    queue: str | None
    """In which queue; None where all on the way are full."""


@dataclass(frozen=True, slots=True)
class EntryFailed(QueueingNews):
    """The queues cannot be reached."""

    detail: str


@dataclass(frozen=True, slots=True)
class Offered(QueueingNews):
    """All agents to whom the call is offered now; what was offered before and is not among them is over."""

    rings: tuple[Ring, ...]


@dataclass(frozen=True, slots=True)
class ConnectTold(QueueingNews):
    """Whether the agent who is ready may be joined with the caller; None where the queues cannot be reached."""

    is_ours: bool | None


@dataclass(frozen=True, slots=True)
class StandingTold(QueueingNews):
    """Where the call stands; None where the queues do not know it any more."""

    standing: Standing | None


@dataclass(frozen=True, slots=True)
class WantsOut(QueueingNews):
    """The caller goes on elsewhere."""

    exit_name: str


@dataclass(frozen=True, slots=True)
class WantsCallback(QueueingNews):
    """The caller keeps the place without the line."""

    number: str


@dataclass(frozen=True, slots=True)
class LeaveTold(QueueingNews):
    """Whether that was done."""

    is_done: bool


@dataclass(frozen=True, slots=True)
class QueuesAway(QueueingNews):
    """The queues have not been reached for so long that waiting has no sense any more."""


QueueingEvent = QueueingNews | TargetEvent | CallerEnded
