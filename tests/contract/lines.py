"""A telephone line under test: what the cases need of it, on the fake (`fake_line`) and on pjsua2 (`pjsua_line`)."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from enum import Enum, auto
from functools import wraps
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from ivr.ports import (
    DialRequest,
    DtmfMethod,
    LegAnswered,
    LegEnded,
    LegEvent,
    LegId,
    Telephony,
    TelephonyEvent,
)

E = TypeVar("E", bound=LegEvent)

TURN_S: Final = 0.01
PATIENCE_S: Final = 5.0


class Answering(Enum):
    """What the dialled telephone does."""

    PICKS_UP = auto()
    RINGS = auto()
    IS_HEARD_EARLY = auto()
    """A ringing tone, or a voice, comes before the answer."""
    BUSY = auto()


class Referred(Enum):
    """What a party does with our REFER."""

    FOLLOWS = auto()
    FAILS = auto()
    """Accepts it; then the target answers 404."""
    REFUSES = auto()


class Sink:
    """Keeps the frames of a leg."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def write(self, pcm: bytes) -> None:
        """Take one."""
        self.frames.append(pcm)


class Line(ABC):
    """A telephony under test, and everybody it talks with."""

    telephony: Telephony

    def __init__(self) -> None:
        self.events: list[TelephonyEvent] = []
        self.referred = Referred.FOLLOWS

    async def __aenter__(self) -> Self:
        await self.telephony.start(self.events.append)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.telephony.stop()

    @property
    @abstractmethod
    def target(self) -> DialRequest:
        """A telephone that can be dialled."""

    @property
    @abstractmethod
    def third_party(self) -> str:
        """The address of somebody who answers."""

    @abstractmethod
    def now_s(self) -> float:
        """The line's time."""

    @abstractmethod
    async def passes(self, duration_s: float) -> None:
        """Time goes by."""

    @abstractmethod
    async def offered(self) -> LegId:
        """Somebody calls."""

    @abstractmethod
    async def dialled(self, does: Answering) -> LegId:
        """We call somebody, and their telephone has done that."""

    @abstractmethod
    async def presses(self, leg_id: LegId, keys: str, method: DtmfMethod) -> None:
        """The party of a leg presses keys."""

    @abstractmethod
    async def hangs_up(self, leg_id: LegId) -> None:
        """The party of a leg ends it."""

    @abstractmethod
    async def offered_late(self) -> LegId:
        """Somebody calls whose INVITE has no session description."""

    @abstractmethod
    async def hears(self, leg_id: LegId) -> bool:
        """Whether the party of an incoming leg hears something soon."""

    @abstractmethod
    async def speaks(self, leg_id: LegId, duration_s: float) -> None:
        """The party of a leg is heard for so long."""

    @abstractmethod
    def answers_messages(self, sip_status: int) -> None:
        """The telephone answers a SIP MESSAGE like this."""

    @abstractmethod
    def messages(self) -> list[str]:
        """Texts that came to the telephone."""

    # --- the same on both

    async def answered(self) -> LegId:
        """Somebody calls and is answered."""
        leg_id = await self.offered()
        self.telephony.answer(leg_id)
        await self.wait(LegAnswered, leg_id)
        return leg_id

    async def connected(self) -> LegId:
        """We call somebody who answers."""
        leg_id = await self.dialled(Answering.PICKS_UP)
        await self.wait(LegAnswered, leg_id)
        return leg_id

    def seen(self, kind: type[E], leg_id: LegId | None = None) -> list[E]:
        """Events of a kind so far, of one leg or of all."""
        found = [event for event in self.events if isinstance(event, kind)]
        return [event for event in found if leg_id in (None, event.leg_id)]

    async def wait(self, kind: type[E], leg_id: LegId | None = None, *, count: int = 1) -> E:
        """The `count`-th event of a kind."""
        await self.until(lambda: len(self.seen(kind, leg_id)) >= count, f"{count} x {kind.__name__} of {leg_id}")
        return self.seen(kind, leg_id)[count - 1]

    async def until(self, is_true: Callable[[], bool], what: str) -> None:
        """Let time pass until it is so."""
        end_s = self.now_s() + PATIENCE_S
        while not is_true():
            assert self.now_s() < end_s, f"no {what}\n" + "\n".join(map(str, self.events))
            await self.passes(TURN_S)

    def check(self) -> None:
        """What holds for every leg that has ever been heard of; all have ended."""
        told = [event for event in self.events if isinstance(event, LegEvent)]
        for leg_id in {event.leg_id for event in told}:
            of_leg = [event for event in told if event.leg_id == leg_id]
            shown = "\n".join(map(str, of_leg))
            assert [isinstance(event, LegEnded) for event in of_leg].count(True) == 1, f"ends once\n{shown}"
            assert isinstance(of_leg[-1], LegEnded), f"nothing after the end\n{shown}"
            assert len([event for event in of_leg if isinstance(event, LegAnswered)]) <= 1, f"answered once\n{shown}"
            assert [event.at_s for event in of_leg] == sorted(event.at_s for event in of_leg), shown


def on_a_line(test: Callable[..., Coroutine[None, None, None]]) -> Callable[..., None]:
    """Run an async test on its `line`, opened; afterwards every leg must have ended as the port promises."""

    @wraps(test)
    def run(line: Line, **given: Any) -> None:
        async def play() -> None:
            async with line:
                await test(line, **given)
            line.check()

        asyncio.run(play())

    return run
