"""What a caller in a queue asks for. What is to be done with an agent's leg is a `TargetCommand` of transfers."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.calls.transfer_commands import HangUpCaller, TargetCommand
from ivr.flow.events import QueueOutcome


@dataclass(frozen=True, slots=True)
class QueueWish:
    """A wish of the machine."""


@dataclass(frozen=True, slots=True)
class Enter(QueueWish):
    """Let the call wait, at the place that its arrival gives it; `Entered` or `EntryFailed` follows."""


@dataclass(frozen=True, slots=True)
class Connect(QueueWish):
    """The agent is there: `ConnectTold` says whether the call is still this one's."""

    offer_id: str


@dataclass(frozen=True, slots=True)
class Refuse(QueueWish):
    """The agent did not take it."""

    offer_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Leave(QueueWish):
    """Take the call out of the queue; `LeaveTold` follows."""

    exit_name: str


@dataclass(frozen=True, slots=True)
class AskCallback(QueueWish):
    """Keep the place without the line, or take the call out of the queue; `LeaveTold` follows."""

    number: str


@dataclass(frozen=True, slots=True)
class Withdraw(QueueWish):
    """The caller is gone: take the call out of the queue, or end its talk if that has begun."""


@dataclass(frozen=True, slots=True)
class EndTalk(QueueWish):
    """The talk is over."""


@dataclass(frozen=True, slots=True)
class TalkBegins(QueueWish):
    """Tell the flow; behind `JoinLegs`."""

    number: int


@dataclass(frozen=True, slots=True)
class Over(QueueWish):
    """Tell the flow that it is over; the last wish, unless the caller left without an agent."""

    outcome: QueueOutcome
    detail: str = ""
    ended_by: str = ""
    """For a finished talk: caller or agent."""


QueueingCommand = QueueWish | TargetCommand | HangUpCaller
