"""The callers: the independent SIP peer, the same for the bot and for Asterisk; how true its clock was."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from ivr.errors import TelephonyError
from ivr.testing.sip_peer import PeerCall, SipPeer
from tests.lab import control

T = TypeVar("T")
MENU = control.number(402)
"""Asterisk's `Answer`, then `Background` of the same WAV."""
AT_ONCE = 3
"""Calls measured side by side: one leg of the bot stays free for a call that is just ending."""


@asynccontextmanager
async def telephone() -> AsyncIterator[SipPeer]:
    """A caller whom Asterisk knows by his port and does not ask for a password, as the bot does not.

    The challenge would double the time to the answer. Where both ports are taken the password is asked for.
    """
    async with contextlib.AsyncExitStack() as stack:
        for port in (control.FIXED_TRUNK_PORT, control.RTP_TRUNK_PORT, 0):
            peer = SipPeer(port=port, user="caller", password="caller-secret", codecs=("PCMU",))
            try:
                await stack.enter_async_context(peer)
            except OSError:
                continue
            yield peer
            return


class Lateness:
    """The worst delay of the callers' own packets: what a measurement by them may be wrong by."""

    def __init__(self) -> None:
        self.max_ms = 0.0

    def note(self, call: PeerCall) -> None:
        """Take a finished call into account."""
        self.max_ms = max(self.max_ms, call.stream.max_late_ms)


@asynccontextmanager
async def answered_call(peer: SipPeer, uri: str, lateness: Lateness) -> AsyncIterator[PeerCall]:
    """A call that is answered, and hung up afterwards."""
    call = await peer.dial(uri, timeout_s=5)
    if not call.is_answered:
        raise TelephonyError(f"{uri} did not answer: {call.status} {call.reason}", sip_status=call.status)
    try:
        yield call
    finally:
        lateness.note(call)
        await call.hang_up()


async def side_by_side(jobs: Sequence[Callable[[], Awaitable[list[T]]]]) -> list[T]:
    """Run jobs at once, three at a time, each a little later than the one before; their results in one list."""
    results: list[T] = []
    for first in range(0, len(jobs), AT_ONCE):
        group = jobs[first : first + AT_ONCE]
        parts = await asyncio.gather(*(_later(0.013 * place, job) for place, job in enumerate(group)))
        results += [value for part in parts for value in part]
    return results


async def _later(delay_s: float, job: Callable[[], Awaitable[list[T]]]) -> list[T]:
    await asyncio.sleep(delay_s)
    return await job()
