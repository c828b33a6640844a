"""The telephone line on the fake, with its manual clock."""

from __future__ import annotations

from ivr.ports import (
    DialRequest,
    DtmfMethod,
    LegId,
    LegOffered,
)
from ivr.testing.clock import ManualClock
from ivr.testing.telephony import FakeTelephony
from tests.contract.lines import Answering, Line, Referred


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
