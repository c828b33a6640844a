"""Begins a call to the bot under test: lays its world ready, dials, and learns which of the bot's calls it is."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Final

from ivr.live_test.arrangement import Arrangement, Desk, Heard
from ivr.live_test.record import LiveRecord
from ivr.storage.calls import CallRepository
from ivr.testing.sip_peer import PeerCall, SipPeer

TAKEN_WITHIN_S: Final = 10.0
"""From the INVITE until the bot has taken up the call, a PBX in between included."""
_POLL_S: Final = 0.03


@dataclass
class Dialling:
    """One call."""

    peer: SipPeer
    uri: str
    from_user: str | None
    arrangement: Arrangement
    key: str
    """Names the call until the bot has given it an id."""
    desk: Desk
    repository: CallRepository
    one_at_a_time: asyncio.Lock
    """Shared by all calls to a bot: what lies ready is for the next one."""
    _call_id: str | None = field(default=None, init=False)

    async def begin(self) -> tuple[PeerCall, LiveRecord]:
        """Dial; the call may not be answered yet."""
        async with self.one_at_a_time:
            self.desk.lay(self.key, self.arrangement)
            call = await self.peer.invite(
                self.uri, from_user=self.from_user, from_name=self.arrangement.given.name or None
            )
            self._call_id = await self._taken(call)
        return call, LiveRecord(self.repository, self._call_id)

    async def _taken(self, call: PeerCall) -> str | None:
        deadline_s = time.monotonic() + TAKEN_WITHIN_S
        while (call_id := self.desk.call_of(self.key)) is None:
            if call.is_ended or time.monotonic() > deadline_s:
                self.desk.take_back()
                return self.desk.call_of(self.key)
            await asyncio.sleep(_POLL_S)
        return call_id

    def hears(self, heard: Heard | None) -> None:
        """How the bot hears what is said next."""
        if self._call_id is not None:
            self.desk.hears(self._call_id, heard)
