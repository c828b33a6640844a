"""SIP peers that talk with each other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ivr.testing.sip_peer import (
    PeerCall,
    SipPeer,
)


async def connected(caller: SipPeer, called: SipPeer) -> tuple[PeerCall, PeerCall]:
    """An answered call, as both see it."""
    call = await caller.dial(called.uri, timeout_s=5)
    other = await called.wait_call()
    await other.wait_answered(2)
    assert call.is_answered
    return call, other


def run(work: Callable[[], Awaitable[None]]) -> None:
    """Play it to its end; no task may be left."""

    async def main() -> None:
        await work()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left

    asyncio.run(main())
