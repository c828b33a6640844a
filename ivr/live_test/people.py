"""The people whom a flow transfers to in one conversation, played by one telephone: each call goes as it is written."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from ivr.flow.events import TransferOutcome
from ivr.rehearsal.model import Mock
from ivr.testing.sip_peer import PeerCall

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
JOINED_AFTER_S = 1.5
"""Silence after which nothing more is said to the person alone."""
TALK_S = 1.0
"""How long caller and person are left together."""


@dataclass
class People:
    """What becomes of each call."""

    transfers: list[Mock | None]
    """In order, the last repeats; None where the conversation says it while it rings."""
    calls: list[PeerCall] = field(default_factory=list)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    decided: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    """Outcomes that the conversation gives while it rings."""

    async def take(self, call: PeerCall) -> None:
        """A call came in (the policy of the telephone)."""
        if call.replaced is not None:  # the caller takes the bot's place
            call.answer()
            return
        self.calls.append(call)
        call.ring()
        outcome, after_s = await self._next()
        await asyncio.sleep(max(after_s, RINGS_FOR_S))
        if call.is_ended:
            return
        if outcome == TransferOutcome.CONNECTED:
            call.answer()
            self.answered.set()
        else:
            call.reject(STATUSES[outcome])

    async def _next(self) -> tuple[str, float]:
        mock = self.transfers.pop(0) if len(self.transfers) > 1 else next(iter(self.transfers), None)
        if mock is None:
            return await self.decided.get(), 0.0
        return mock.outcome or TransferOutcome.FAILED, mock.after

    async def talk(self, within_s: float) -> None:
        """Until somebody answered, heard what is said before the two are joined, and talked. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            await self.answered.wait()
            call = self.calls[-1]
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
