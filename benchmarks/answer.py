"""INVITE to 200, and 200 to the first audio of the greeting."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

from benchmarks.bot import BenchBot
from benchmarks.callers import MENU, Lateness, answered_call, telephone
from benchmarks.figures import Figure, spread_figure
from ivr.testing.sip_peer import SipPeer

REST_S = 2.6
"""After this long without a call the bot's media clock stands still."""


@dataclass(slots=True)
class Greetings:
    """Times of several calls, in milliseconds."""

    to_answer: list[float] = field(default_factory=list)
    to_sound: list[float] = field(default_factory=list)


async def _greet(peer: SipPeer, uri: str, into: Greetings, lateness: Lateness) -> None:
    async with answered_call(peer, uri, lateness) as call:
        assert call.answered_at_s is not None
        sound_at_s = await call.wait_sound(5, after_s=call.invited_at_s)
        into.to_answer.append((call.answered_at_s - call.invited_at_s) * 1000)
        into.to_sound.append((sound_at_s - call.answered_at_s) * 1000)


async def greetings(uri: str, count: int, lateness: Lateness, *, gap_s: float = 0.05) -> Greetings:
    """Call again and again. The gap varies by a frame, so that no clock beats in time with the calls."""
    found = Greetings()
    async with telephone() as peer:
        for _ in range(count):
            await asyncio.sleep(gap_s + random.uniform(0, 0.02))
            await _greet(peer, uri, found, lateness)
    return found


async def measure_answer(bot: BenchBot, lateness: Lateness, *, count: int, rested: int) -> list[Figure]:
    """`bot` has no lead-in silence."""
    ours = await greetings(bot.uri, count, lateness)
    theirs = await greetings(MENU, count, lateness)
    figures = [
        spread_figure("INVITE to 200", ours.to_answer, theirs.to_answer),
        spread_figure(
            "answer to first audio", ours.to_sound, theirs.to_sound, limit=150.0, note="without the lead-in silence"
        ),
    ]
    if rested:
        after_rest = await greetings(bot.uri, rested, lateness, gap_s=REST_S)
        note = "first call after a pause: the audio clock starts"
        figures.append(spread_figure("answer to first audio, rested", after_rest.to_sound, limit=150.0, note=note))
    return figures


async def measure_lead_in(bot: BenchBot, lateness: Lateness, *, count: int) -> list[Figure]:
    """`bot` has its default lead-in."""
    ours = await greetings(bot.uri, count, lateness)
    return [
        spread_figure(
            "answer to first audio, default", ours.to_sound, limit=350.0, note="200 ms of it are the lead-in silence"
        )
    ]
