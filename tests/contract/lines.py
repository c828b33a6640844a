"""The same telephone line twice: on the fake with its manual clock, and on pjsua2 with a SIP peer on loopback."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from enum import Enum, auto
from functools import wraps
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeVar

from ivr.config import SipSettings
from ivr.ports import (
    DialRequest,
    DtmfMethod,
    LegAnswered,
    LegEnded,
    LegEvent,
    LegId,
    LegOffered,
    Telephony,
    TelephonyEvent,
)
from ivr.testing.clock import ManualClock
from ivr.testing.sip_peer import (
    BUSY,
    AnswerAfter,
    FailRefer,
    FollowRefer,
    IncomingPolicy,
    PeerCall,
    ReferPolicy,
    RefuseRefer,
    RingForever,
    SipPeer,
)
from ivr.testing.telephony import FakeTelephony

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


class FakeLine(Line):
    """On `FakeTelephony`."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.telephony = self.fake = FakeTelephony(self.clock)
        self._refers_seen = 0

    @property
    def target(self) -> DialRequest:
        """Whoever it is."""
        return DialRequest("sip:agent@pbx")

    @property
    def third_party(self) -> str:
        """Whoever it is."""
        return "sip:other@pbx"

    def now_s(self) -> float:
        """The manual clock's."""
        return self.clock.monotonic_s()

    async def passes(self, duration_s: float) -> None:
        """Moves the clock on, and answers REFERs that came meanwhile."""
        self.clock.advance(duration_s)
        refers = self.fake.asked_for("refer")
        for asked in refers[self._refers_seen :]:
            self._take_refer(LegId(asked.leg_id))
        self._refers_seen = len(refers)

    def _take_refer(self, leg_id: LegId) -> None:
        if self.referred is Referred.REFUSES:
            self.fake.refer_progress(leg_id, 603, is_final=True)
            return
        self.fake.refer_progress(leg_id, 100, is_final=False)
        self.fake.refer_progress(leg_id, 200 if self.referred is Referred.FOLLOWS else 404, is_final=True)

    async def offered(self) -> LegId:
        """Somebody calls."""
        leg_id = self.fake.offer()
        await self.wait(LegOffered, leg_id)
        return leg_id

    async def dialled(self, does: Answering) -> LegId:
        """A telephone that rings, and what comes of it."""
        leg_id = self.telephony.dial(self.target)
        if does is Answering.BUSY:
            self.fake.end(leg_id, 486)
        elif does is Answering.IS_HEARD_EARLY:
            self.fake.sends_early_media(leg_id)
        else:
            self.fake.ringing(leg_id)
        if does is Answering.PICKS_UP:
            self.fake.pick_up(leg_id)
        self.clock.advance()
        return leg_id

    async def offered_late(self) -> LegId:
        """From now on."""
        self.fake.callers_offer = False
        return await self.offered()

    async def hears(self, leg_id: LegId) -> bool:
        """What plays is heard."""
        await self.passes(0.1)
        return bool(self.fake.playing(leg_id))

    async def presses(self, leg_id: LegId, keys: str, method: DtmfMethod) -> None:
        """One key after the other."""
        self.fake.press(leg_id, keys, method)

    async def hangs_up(self, leg_id: LegId) -> None:
        """BYE or CANCEL."""
        self.fake.end(leg_id)
        self.clock.advance()

    async def speaks(self, leg_id: LegId, duration_s: float) -> None:
        """A level of one."""
        self.fake.speak(leg_id, b"\1\0" * round(duration_s * self.telephony.sample_rate_hz))

    def answers_messages(self, sip_status: int) -> None:
        """From now on."""
        self.fake.message_status = sip_status

    def messages(self) -> list[str]:
        """What was asked for."""
        return [asked.details[0].text for asked in self.fake.asked_for("send_message")]


class PjsuaLine(Line):
    """On `PjsuaTelephony`, with a telephone that calls it and is called by it."""

    def __init__(self) -> None:
        super().__init__()
        from ivr.sip.telephony import PjsuaTelephony

        self.pjsua = PjsuaTelephony(SipSettings(address="127.0.0.1", port=0, rtp_port=14600))
        self.telephony = self.pjsua
        self.phone, self.other = SipPeer(user="caller"), SipPeer(user="other")
        self._calls: dict[LegId, PeerCall] = {}

    async def __aenter__(self) -> Self:
        await self.phone.open()
        await self.other.open()
        return await super().__aenter__()

    async def __aexit__(self, *failure: Any) -> None:
        await super().__aexit__(*failure)
        await self.phone.close()
        await self.other.close()

    @property
    def target(self) -> DialRequest:
        """The telephone."""
        return DialRequest(self.phone.uri)

    @property
    def third_party(self) -> str:
        """Another telephone."""
        return self.other.uri

    def now_s(self) -> float:
        """The machine's."""
        return time.monotonic()

    async def passes(self, duration_s: float) -> None:
        """Waits."""
        await asyncio.sleep(duration_s)

    def _refer_policy(self) -> ReferPolicy:
        if self.referred is Referred.FOLLOWS:
            return FollowRefer()
        return FailRefer(404) if self.referred is Referred.FAILS else RefuseRefer(603)

    async def offered(self) -> LegId:
        """An INVITE."""
        return await self._offered(late_offer=False)

    async def offered_late(self) -> LegId:
        """An INVITE without a body."""
        return await self._offered(late_offer=True)

    async def hears(self, leg_id: LegId) -> bool:
        """Any sound."""
        try:
            await self._calls[leg_id].wait_sound(1.0)
        except TimeoutError:
            return False
        return True

    async def _offered(self, *, late_offer: bool) -> LegId:
        self.phone.refer_policy = self._refer_policy()
        uri = self.pjsua.sip_uri.replace("sip:", "sip:100@")
        call = await self.phone.invite(uri, late_offer=late_offer)
        offer: list[LegOffered] = []

        def came() -> bool:
            offer[:] = [event for event in self.seen(LegOffered) if event.sip_call_id == call.call_id]
            return bool(offer)

        await self.until(came, "offer")
        self._calls[offer[0].leg_id] = call
        return offer[0].leg_id

    async def dialled(self, does: Answering) -> LegId:
        """An INVITE of ours."""
        policies: dict[Answering, IncomingPolicy] = {
            Answering.PICKS_UP: AnswerAfter(0.05),
            Answering.RINGS: RingForever(),
            Answering.IS_HEARD_EARLY: _early_media,
            Answering.BUSY: BUSY,
        }
        self.phone.incoming_policy = policies[does]
        leg_id = self.telephony.dial(self.target)
        self._calls[leg_id] = await self.phone.wait_call()
        return leg_id

    async def presses(self, leg_id: LegId, keys: str, method: DtmfMethod) -> None:
        """By RTP or INFO."""
        name: Literal["rfc4733", "info"] = "rfc4733" if method is DtmfMethod.RFC4733 else "info"
        await self._calls[leg_id].press(keys, method=name, duration_ms=60, gap_ms=40)

    async def hangs_up(self, leg_id: LegId) -> None:
        """BYE or CANCEL."""
        await self._calls[leg_id].hang_up()

    async def speaks(self, leg_id: LegId, duration_s: float) -> None:
        """A tone."""
        await self._calls[leg_id].send_tone(440, duration_s).wait()

    def answers_messages(self, sip_status: int) -> None:
        """From now on."""
        self.phone.message_status = sip_status

    def messages(self) -> list[str]:
        """What came over the wire."""
        return self.phone.messages


async def _early_media(call: PeerCall) -> None:
    call.progress()
    call.send_tone(440, 5.0)


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
