"""What goes between processes when a supervisor wants to take part in a talk, and which worker has the call.

    -> {"do": "monitor", "id": 7, "call": …, "who": …, "sip": …, "how": "listen"}
    <- {"say": "monitor", "id": 7, "reason": ""}     it is so; a reason: why not; null: the call is not here

The address is that of a row of `ivr agents`, looked up by those who ask: the command and the desk.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ivr.calls.monitoring import MonitorWish, Participation
from ivr.errors import IvrError
from ivr.supervisor.channel import LineChannel, Message

ANSWER_LIMIT_S: Final = 90.0
"""Longer than a telephone rings: nobody waits for ever for a worker that hangs."""
NOT_HERE: Final = (
    "there is no such call in progress; one that was handed over by REFER (`mode: auto`, `attended` or `refer`) is no "
    "longer with the bot and cannot be listened to, with `mode: bridge` it stays"
)
_URI: Final = re.compile(r"sips?:[^\s<>\"]{1,250}")

Tell = Callable[[str], None]
Monitor = Callable[[str, MonitorWish, Tell], bool]
"""`ivr.app.Bot.monitor`."""


def request_of(call_id: str, wish: MonitorWish) -> Message:
    """The request."""
    return {"do": "monitor", "call": call_id, "who": wish.who, "sip": wish.uri, "how": wish.how.value}


def read_request(message: Mapping[str, Any]) -> tuple[str, MonitorWish]:
    """Call and wish. Raises IvrError."""
    match message:
        case {"call": str(call_id), "who": str(who), "sip": str(uri), "how": str(how)} if _URI.fullmatch(uri):
            if who and how in set(Participation):
                return call_id, MonitorWish(who, uri, Participation(how))
    raise IvrError("the request cannot be read; use the `ivr` of the same release")


async def asked_of_one(monitor: Monitor, message: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of a bot of one process, when it is known. Raises IvrError."""
    call_id, wish = read_request(message)
    told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    if not monitor(call_id, wish, lambda reason: _settle(told, reason)):
        raise IvrError(NOT_HERE)
    return await _answer(told, wish)


def ask_worker(monitor: Monitor, message: Message, send: Callable[[Message], object]) -> None:
    """Do what the supervisor asks a worker for, and say what came of it."""

    def tell(reason: str | None) -> None:
        send({"say": "monitor", "id": message["id"], "reason": reason})

    call_id, wish = read_request(message)
    if not monitor(call_id, wish, tell):
        tell(None)


@dataclass
class _Question:
    told: asyncio.Future[str | None]
    slots: set[int]
    """Of the workers that have not said yet that they do not have the call."""


@dataclass
class AskedWorkers:
    """Finds the worker that has the call: all are asked, and all but one say at once that they have not."""

    _questions: dict[int, _Question] = field(default_factory=dict)
    _count: int = 0
    _talks: dict[int, Sequence[str]] = field(default_factory=dict)

    @property
    def talks(self) -> list[str]:
        """Ids of the calls in which a supervisor can take part now."""
        return [call_id for each in self._talks.values() for call_id in each]

    def beat(self, slot: int, message: Message) -> None:
        """A worker's sign of life: it names its talks where it has any."""
        self._talks[slot] = message.get("talks", ())

    async def ask(self, channels: Mapping[int, LineChannel], message: Mapping[str, Any]) -> dict[str, Any]:
        """The answer, when it is known. Raises IvrError."""
        _, wish = read_request(message)
        self._count = number = self._count + 1
        question = _Question(asyncio.get_running_loop().create_future(), set())
        self._questions[number] = question
        try:
            question.slots = {slot for slot, each in channels.items() if each.send({**message, "id": number})}
            if not question.slots:
                raise IvrError(NOT_HERE)
            return await _answer(question.told, wish)
        finally:
            del self._questions[number]

    def heard(self, slot: int, message: Message) -> None:
        """A worker's answer."""
        question = self._questions.get(message.get("id", 0))
        if question is None:
            return
        if message.get("reason") is None:
            self._has_not(question, slot)
        else:
            _settle(question.told, str(message["reason"]))

    def ended(self, slot: int) -> None:
        """A worker is gone, and its calls with it."""
        self._talks.pop(slot, None)
        for question in self._questions.values():
            self._has_not(question, slot)

    def _has_not(self, question: _Question, slot: int) -> None:
        question.slots.discard(slot)
        if not question.slots:
            _settle(question.told, None)


async def _answer(told: Awaitable[str | None], wish: MonitorWish) -> dict[str, Any]:
    try:
        reason = await asyncio.wait_for(told, ANSWER_LIMIT_S)
    except TimeoutError as error:
        raise IvrError("the worker that has the call gives no answer; see the bot's log") from error
    if reason is None:
        raise IvrError(NOT_HERE)
    if reason:
        raise IvrError(reason)
    return {"who": wish.who, "how": wish.how.value}


def _settle(told: asyncio.Future[Any], reason: str | None) -> None:
    if not told.done():
        told.set_result(reason)
