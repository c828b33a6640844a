"""Queues: where callers wait for an agent. Shared by all processes, on one machine or several.

    enter ─► tick … tick ─► (an offer of mine) ─► ring the agent ─► connect ─► talk ─► end
               │                                        │ no answer: refuse
               └─ standing, leave, ask_callback         └ offer gone meanwhile: stop ringing

Not asked for with the other ports (`ivr.ports`): nothing of it is loaded where there is no queue.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Protocol

from ivr.acd.agent import Act, Agent
from ivr.acd.events import QueueEvent
from ivr.acd.floor import Offer, Ring
from ivr.acd.queue import WaitingCall
from ivr.acd.standing import Standing
from ivr.acd.talk import Talk
from ivr.immutable import immutable

TICK_S: Final = 1.0
"""How often a process that has calls in queues says that it lives, and looks for offers."""
FORGOTTEN_AT_ONCE: Final = 10_000
TALK_WITHOUT_RECORD_DAYS: Final = 7
"""A talk is kept for so long without a record of its call, which may wait in a spool while the database is away."""
LEASE_S: Final = 15.0
"""A process that has said nothing for so long is dead: its offers and its callers are gone."""


@immutable
class QueueScene:
    """All there is at one moment."""

    agents: tuple[Agent, ...]
    """By name."""
    calls: tuple[WaitingCall, ...]
    """In their order."""
    offers: tuple[Offer, ...] = ()
    """Which call rings at which agent, and who talks to whom; by name of the offer."""
    talks: tuple[Talk, ...] = ()
    """Those that agents are working on in their wrap-up, by agent."""


class CallQueues(Protocol):
    """Keeps agents, waiting calls and offers.

    Each method is one transaction, or a few, and may be repeated. It may take seconds: asked from a thread. Raises
    StorageError when the database is away. Instants come from the clocks of those who ask, which must agree to a
    fraction of LEASE_S.
    """

    def add_agent(self, name: str, sip: str, skills: Mapping[str, int]) -> Agent:
        """A new agent, logged out; of one who is known, address and skills."""

    def agent_acts(self, name: str, act: Act, now: datetime, reason: str = "") -> Agent:
        """LOG_IN, LOG_OUT, PAUSE (with a reason) or READY. Raises AgentUnknown, ActRefused."""

    def enter(self, call: WaitingCall, now: datetime) -> str | None:
        """Let it wait, and take the owner for alive; the queue in which it does, None where all on its way are full."""

    def standing(self, call_id: str, now: datetime) -> Standing | None:
        """Place and estimated wait; None for a call that does not wait (any more, or because its owner was dead)."""

    def leave(self, call_id: str, now: datetime, exit_name: str = "") -> bool:
        """The caller hung up, or leaves by an exit. False where the talk has begun, or the call does not wait."""

    def ask_callback(self, call_id: str, number: str, now: datetime) -> bool:
        """The caller hangs up and keeps the place. False where the talk has begun, or nobody is called back."""

    def tick(self, owner: str, now: datetime) -> tuple[Ring, ...]:
        """The process lives. Frees what dead ones had, moves on who has waited too long, and does `match`."""

    def match(self, owner: str, now: datetime) -> tuple[Ring, ...]:
        """Offer calls to agents, whosever they are; all that the owner has to ring, those of before included."""

    def connect(self, offer_id: str, now: datetime) -> bool:
        """The agent has answered. False where the offer is over: hang up, the caller is gone or with somebody else."""

    def refuse(self, offer_id: str, now: datetime, reason: str) -> None:
        """The agent did not take it: `declined`, or why the telephone was not reached. Old offers change nothing."""

    def end(self, call_id: str, now: datetime) -> None:
        """The talk is over; the agent's wrap-up begins."""

    def postpone(self, call_id: str, now: datetime) -> None:
        """Who was to be called back did not answer: again later, or never."""

    def note_talk(self, talk_id: str, agent: str, disposition: str, note: str, now: datetime) -> None:
        """Keep what an agent says about an own talk. Raises ActRefused: as `ivr.acd.talk.noted`, or without one."""

    def scene(self) -> QueueScene:
        """All agents and calls, what is offered to whom, and what is worked on."""

    def events(self, since: datetime) -> list[QueueEvent]:
        """What happened since, in order."""

    def forget(self, before: datetime) -> int:
        """Remove events older than this, FORGOTTEN_AT_ONCE at most; how many were removed."""

    def forget_talks(self, before: datetime) -> int:
        """Remove talks that ended before this and whose call has no record (any more), FORGOTTEN_AT_ONCE at most.

        How many were removed. A talk belongs to the record of its call: it stays as long as that one.
        """
