"""What a peer does with a call that comes in, as its policy says."""

from __future__ import annotations

import asyncio

from ivr.testing.sip_peer.call import PeerCall
from ivr.testing.sip_peer.policy import AnswerAfter, IncomingPolicy, Reject, RingForever


async def apply_policy(call: PeerCall, policy: IncomingPolicy) -> None:
    """Ring, answer or refuse it."""
    if isinstance(policy, RingForever):
        call.ring()
    elif isinstance(policy, Reject):
        if policy.after_s:
            call.ring()
            await asyncio.sleep(policy.after_s)
        call.reject(policy.status)
    elif isinstance(policy, AnswerAfter):
        if policy.rings:
            call.ring()
        await asyncio.sleep(policy.after_s)
        call.answer()
    else:
        await policy(call)


async def take_over(call: PeerCall, replaced: PeerCall) -> None:
    """Answer at once and end the call that was replaced (RFC 3891 §3)."""
    call.answer()
    await replaced.hang_up()
