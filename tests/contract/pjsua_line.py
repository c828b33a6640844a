"""The telephone line on pjsua2, with a SIP peer on loopback."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Literal, Self

from ivr.config import SipSettings
from ivr.ports import (
    DialRequest,
    DtmfMethod,
    LegId,
    LegOffered,
)
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
from tests.contract.lines import Answering, Line, Referred


class PjsuaLine(Line):
    """On `PjsuaTelephony`, with a telephone that calls it and is called by it."""

    def __init__(self) -> None:
        super().__init__()
        from ivr.sip.telephony import PjsuaTelephony

        self.pjsua = PjsuaTelephony(SipSettings(address="127.0.0.1", port=0, rtp_port=14600))
        self.telephony = self.pjsua
        # It rings until `dialled` says otherwise: an answer that crosses a CANCEL has it answered (RFC 3261 §9.1).
        self.phone, self.other = SipPeer(user="caller", incoming=RingForever()), SipPeer(user="other")
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
        return self.phone.messages + [text for call in self._calls.values() for text in call.texts]


async def _early_media(call: PeerCall) -> None:
    call.progress()
    call.send_tone(440, 5.0)
