"""Queues as a worker sees them: the process that has the database is asked, as for its records.

Acts are few and small, a call's place in a queue is worth nothing when it comes late: unlike records they do not wait
in a spool while the database is away, but fail.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol

from ivr.acd.agent import Act, Agent
from ivr.acd.events import QueueEvent
from ivr.acd.floor import Ring
from ivr.acd.queue import Queues, WaitingCall
from ivr.acd.standing import Standing
from ivr.errors import ActRefused, AgentUnknown, StorageError
from ivr.helper_process import Answer
from ivr.ports.queues import QueueScene
from ivr.storage.address import Address
from ivr.storage.queue_wire import decode_result, encode_arguments, encode_settings
from ivr.storage.remote_database import helper_for

ASK_LIMIT_S: Final = 12.0
"""The database's own limits are shorter (`ivr.storage.database`)."""
REST_AFTER_S: Final = 30.0
"""Without a call in a queue nobody is asked, and no process is needed."""
_ERRORS: Final[Mapping[str, type[ActRefused | AgentUnknown]]] = {
    "act_refused": ActRefused,
    "agent_unknown": AgentUnknown,
}


class Helper(Protocol):
    """What answers requests: `ivr.helper_process.HelperProcess`, or its end of the wire alone."""

    def ask(self, request: Mapping[str, object], limit_s: float) -> Answer:
        """Raises TimeoutError, OSError, ValueError."""

    def close(self) -> None:
        """Take no more requests."""


def remote_queues(address: Address, queues: Queues, shared: Path | None = None) -> RemoteQueues:
    """Queues by the process of the socket `shared`, or by one of our own. Starts nothing yet."""
    return RemoteQueues(address, queues, helper_for(address, shared, REST_AFTER_S))


class RemoteQueues:
    """Implements `CallQueues`; safe to be asked from several threads, one after the other."""

    def __init__(self, address: Address, queues: Queues, helper: Helper) -> None:
        """`helper` is the process that has the database: `remote_queues` knows the way to it."""
        self._address = address
        self._settings = encode_settings(queues)
        self._helper = helper

    def close(self) -> None:
        """Let go of the process. Idempotent."""
        self._helper.close()

    def add_agent(self, name: str, sip: str, skills: Mapping[str, int]) -> Agent:
        """A new agent, or a known one's address and skills."""
        found: Agent = self._ask("add_agent", name=name, sip=sip, skills=skills)
        return found

    def agent_acts(self, name: str, act: Act, now: datetime, reason: str = "") -> Agent:
        """Raises AgentUnknown, ActRefused."""
        found: Agent = self._ask("agent_acts", name=name, act=act, now=now, reason=reason)
        return found

    def enter(self, call: WaitingCall, now: datetime) -> str | None:
        """Let it wait."""
        queue: str | None = self._ask("enter", call=call, now=now)
        return queue

    def standing(self, call_id: str, now: datetime) -> Standing | None:
        """Place and estimated wait."""
        found: Standing | None = self._ask("standing", call_id=call_id, now=now)
        return found

    def leave(self, call_id: str, now: datetime, exit_name: str = "") -> bool:
        """The caller goes."""
        return bool(self._ask("leave", call_id=call_id, now=now, exit_name=exit_name))

    def ask_callback(self, call_id: str, number: str, now: datetime) -> bool:
        """The caller hangs up and keeps the place."""
        return bool(self._ask("ask_callback", call_id=call_id, number=number, now=now))

    def tick(self, owner: str, now: datetime) -> tuple[Ring, ...]:
        """The process lives."""
        rings: tuple[Ring, ...] = self._ask("tick", owner=owner, now=now)
        return rings

    def match(self, owner: str, now: datetime) -> tuple[Ring, ...]:
        """Offer calls to agents."""
        rings: tuple[Ring, ...] = self._ask("match", owner=owner, now=now)
        return rings

    def connect(self, offer_id: str, now: datetime) -> bool:
        """The agent has answered."""
        return bool(self._ask("connect", offer_id=offer_id, now=now))

    def refuse(self, offer_id: str, now: datetime, reason: str) -> None:
        """The agent did not take it."""
        self._ask("refuse", offer_id=offer_id, now=now, reason=reason)

    def end(self, call_id: str, now: datetime) -> None:
        """The talk is over."""
        self._ask("end", call_id=call_id, now=now)

    def postpone(self, call_id: str, now: datetime) -> None:
        """Who was to be called back did not answer."""
        self._ask("postpone", call_id=call_id, now=now)

    def note_talk(self, talk_id: str, agent: str, disposition: str, note: str, now: datetime) -> None:
        """Keep what the agent says."""
        self._ask("note_talk", talk_id=talk_id, agent=agent, disposition=disposition, note=note, now=now)

    def scene(self) -> QueueScene:
        """All agents and calls."""
        found: QueueScene = self._ask("scene")
        return found

    def events(self, since: datetime) -> list[QueueEvent]:
        """What happened since."""
        found: list[QueueEvent] = self._ask("events", since=since)
        return found

    def forget(self, before: datetime) -> int:
        """Remove old events."""
        return int(self._ask("forget", before=before))

    def forget_talks(self, before: datetime) -> int:
        """Remove old talks whose call has no record."""
        return int(self._ask("forget_talks", before=before))

    def _ask(self, act: str, /, **arguments: object) -> Any:
        request = {
            "do": "queues",
            "url": self._address.url,
            "queues": self._settings,
            "act": act,
            "arguments": encode_arguments(act, arguments),
        }
        try:
            answer = self._helper.ask(request, ASK_LIMIT_S)
        except (OSError, ValueError) as error:  # a TimeoutError is an OSError
            what = f"gave no answer for {ASK_LIMIT_S:g} s" if isinstance(error, TimeoutError) else f"failed ({error})"
            raise StorageError(f"the process that has the database {what}; it is started again") from error
        _check(answer)
        return decode_result(act, answer["value"])


def _check(answer: Answer) -> None:
    if answer.get("ok"):
        return
    kind, reason = str(answer.get("kind")), str(answer.get("reason", "no reason given"))
    if kind in _ERRORS:
        raise _ERRORS[kind](reason)
    raise StorageError(reason, retryable=kind == "away")
