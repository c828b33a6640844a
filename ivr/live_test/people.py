"""The people whom a flow transfers to in one conversation, played by one telephone: each call goes as it is written."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from ivr.calls.reaching import WHISPER_LIMIT_S
from ivr.flow.commands import ACCEPT_KEY
from ivr.flow.events import TALKED, TransferOutcome
from ivr.rehearsal.model import Mock
from ivr.rehearsal.world import Handover
from ivr.testing.sip_peer import PeerCall
from ivr.testing.sip_peer.message import parse_uri

STATUSES: Mapping[str, int] = {
    TransferOutcome.BUSY: 486,
    TransferOutcome.NO_ANSWER: 480,
    TransferOutcome.REFUSED: 603,
    TransferOutcome.UNKNOWN: 404,
    TransferOutcome.UNREACHABLE: 503,
    TransferOutcome.FAILED: 400,
}
"""SIP status by which a telephone brings an outcome about."""

RINGS_FOR_S = 0.3
ACCEPTS_AFTER_S = 0.5
"""When a person presses the key, whisper or not."""
JOINED_AFTER_S = 1.5
"""Silence after which nothing more is said to the person alone."""
TALK_S = 1.0
"""How long caller and person are left together."""


def uri_of(name: str, telephone: str) -> str:
    """Where the person behind a target is called, by the URI of the telephone that stands for all of them."""
    return f"sip:{quote(name, safe='')}@{telephone.rpartition('@')[2]}"


def _name_of(call: PeerCall) -> str:
    assert call.invite_request is not None
    return unquote(parse_uri(call.invite_request.uri).user)


@dataclass
class People:
    """What becomes of each call."""

    transfers: list[Handover]
    """In order, the last repeats."""
    needs_key: bool = False
    """Whether a flow of the conversation wants the person to press 1."""
    return_key: str = ""
    """Key by which the person sends the caller back."""
    calls: list[PeerCall] = field(default_factory=list)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    decided: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    """Outcomes that the conversation gives while it rings."""
    _handover: Handover | None = None
    _taken: PeerCall | None = None
    """Answered by the one who talks to the caller."""
    _to_be_called: list[str] = field(default_factory=list)

    async def take(self, call: PeerCall) -> None:
        """A call came in (the policy of the telephone)."""
        if call.replaced is not None:  # the caller takes the bot's place
            call.answer()
            return
        self.calls.append(call)
        call.ring()
        outcome, after_s = await self.outcome_for(_name_of(call))
        await asyncio.sleep(max(after_s, RINGS_FOR_S))
        if call.is_ended:
            return
        if outcome == TransferOutcome.CONNECTED:
            await self._answer(call)
        elif outcome in TALKED:
            await self._talk_and_leave(call, self.return_key if outcome == TransferOutcome.RETURNED else "")
        elif outcome == TransferOutcome.NOT_ACCEPTED:
            call.answer()
            await call.hang_up()
        else:
            call.reject(STATUSES[outcome])

    async def _answer(self, call: PeerCall) -> None:
        call.answer()
        self._taken = call
        self.answered.set()
        if self.needs_key:
            await asyncio.sleep(ACCEPTS_AFTER_S)
            if not call.is_ended:  # another step of the flow, without a key, was faster
                await call.press(ACCEPT_KEY)

    async def _talk_and_leave(self, call: PeerCall, key: str) -> None:
        await self._answer(call)
        await call.wait_silence(WHISPER_LIMIT_S, sustain_s=JOINED_AFTER_S)
        await asyncio.sleep(TALK_S)
        if key:
            await call.press(key)
        else:
            await call.hang_up()

    async def outcome_for(self, name: str) -> tuple[str, float]:
        """What becomes of a call to one of those whom a transfer calls, and after how long."""
        if name not in self._to_be_called:
            handover = self.transfers.pop(0) if len(self.transfers) > 1 else next(iter(self.transfers), None)
            self._handover = handover = handover or Handover((name,), Mock(outcome=TransferOutcome.FAILED))
            self._to_be_called = list(handover.callees)
        handover = self._handover
        assert handover is not None
        if name in self._to_be_called:
            self._to_be_called.remove(name)
        outcome, after_s = await self._decided(handover)
        if outcome in TALKED:
            if name != handover.taken_by:
                return TransferOutcome.BUSY, after_s
            self._to_be_called = []
        return outcome, after_s

    async def _decided(self, handover: Handover) -> tuple[str, float]:
        if handover.mock is not None:
            return handover.mock.outcome or TransferOutcome.FAILED, handover.mock.after
        outcome = await self.decided.get()
        if self._to_be_called:
            self.decided.put_nowait(outcome)  # it is what becomes of all of them
        return outcome, 0.0

    async def talk(self, within_s: float) -> None:
        """Until somebody answered, heard what is said before the two are joined, and talked. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            await self.answered.wait()
            call = self._taken
            assert call is not None
            heard_out = asyncio.ensure_future(call.wait_silence(within_s, sustain_s=JOINED_AFTER_S))
            ended = asyncio.ensure_future(call.wait_ended(within_s))
            try:
                await asyncio.wait({heard_out, ended}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for waiting in (heard_out, ended):
                    waiting.cancel()
                await asyncio.gather(heard_out, ended, return_exceptions=True)
            await asyncio.sleep(TALK_S)

    async def leave(self) -> None:
        """Hang up what is still there."""
        await asyncio.gather(*(call.hang_up() for call in self.calls), return_exceptions=True)
