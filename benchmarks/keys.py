"""From the first packet of a key (RFC 4733) to the first silent frame received."""

from __future__ import annotations

import asyncio
import random
from functools import partial

from benchmarks.bot import QUIET_S, BenchBot
from benchmarks.callers import MENU, Lateness, answered_call, side_by_side, telephone
from benchmarks.figures import Figure, spread_figure
from ivr.testing.sip_peer import SipPeer

PRESSES = 3
"""Per call: each call's frames lie differently to those of the other side, so many calls tell more."""


async def _presses(peer: SipPeer, uri: str, lateness: Lateness) -> list[float]:
    """Press during the prompt; each time the reply is silence first, then the prompt comes again."""
    found = []
    async with answered_call(peer, uri, lateness) as call:
        sound_at_s = await call.wait_sound(5)
        for _ in range(PRESSES):
            await asyncio.sleep(0.3 + random.uniform(0, 0.02))
            (key,) = await call.press("1")
            assert key.started_at_s is not None
            silent_at_s = await call.wait_silence(5, after_s=key.started_at_s, sustain_s=0.1)
            found.append((silent_at_s - key.started_at_s) * 1000)
            sound_at_s = await call.wait_sound(5, after_s=silent_at_s + QUIET_S)
            await call.wait_sound(5, after_s=sound_at_s + 0.3)
    return found


async def key_times_ms(uri: str, calls: int, lateness: Lateness) -> list[float]:
    """Key to silence, of several calls."""
    async with telephone() as peer:
        return await side_by_side([partial(_presses, peer, uri, lateness)] * calls)


async def measure_keys(bot: BenchBot, lateness: Lateness, *, calls: int) -> list[Figure]:
    """Ours and Asterisk's."""
    ours = await key_times_ms(bot.uri, calls, lateness)
    theirs = await key_times_ms(MENU, calls, lateness)
    note = "key of 100 ms; ours acts on its first packet"
    return [spread_figure("key to silence", ours, theirs, limit=60.0, note=note)]
