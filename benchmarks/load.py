"""Four calls at once that hear a prompt again and again and press a key now and then: CPU, and the RTP they get."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import numpy as np

from benchmarks import machine
from benchmarks.bot import BenchBot
from benchmarks.callers import MENU, Lateness, answered_call, telephone
from benchmarks.figures import Figure
from ivr.testing.sip_peer import PeerCall
from ivr.testing.sip_peer.recording import RtpStats

CALLS = 4
KEY_EVERY_S = 6.0
SETTLE_S = 1.5
NOISE_DBFS = -62.0
"""Callers send the faint noise of a line: digital silence would cost a voice detector less than any real call does."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one side did for the four calls."""

    cpu_percent: float
    """Of one core."""
    rtp: list[RtpStats]


def _noise() -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    samples = np.random.default_rng(1).standard_normal(4 * 8000) * 32768 * 10 ** (NOISE_DBFS / 20)
    return samples.astype(np.int16)


async def _press_now_and_then(call: PeerCall, until_s: float, first_s: float) -> None:
    await asyncio.sleep(first_s)
    while time.monotonic() + 1 < until_s:
        await call.press("1")
        await asyncio.sleep(KEY_EVERY_S)


async def carry(uri: str, pids: Callable[[], list[int]], duration_s: float, lateness: Lateness) -> Load:
    """Four callers for a while."""
    async with AsyncExitStack() as stack:
        peer = await stack.enter_async_context(telephone())
        calls = []
        for _ in range(CALLS):
            calls.append(await stack.enter_async_context(answered_call(peer, uri, lateness)))
            calls[-1].send_wav(_noise(), loop=True)
            await asyncio.sleep(0.037)
        await asyncio.sleep(SETTLE_S)
        from_s, used_s = time.monotonic(), machine.cpu_s(pids())
        until_s = from_s + duration_s
        await asyncio.gather(
            asyncio.sleep(duration_s),
            *(_press_now_and_then(call, until_s, 1.0 + place) for place, call in enumerate(calls)),
        )
        to_s = time.monotonic()
        percent = (machine.cpu_s(pids()) - used_s) / (to_s - from_s) * 100
        return Load(percent, [call.rtp_stats(from_s, to_s) for call in calls])


async def measure_load(
    keys_only: BenchBot, listening: BenchBot, lateness: Lateness, *, duration_s: float
) -> list[Figure]:
    """The bot without and with recognition, and Asterisk, one after the other."""
    plain = await carry(keys_only.uri, lambda: keys_only.pids, duration_s, lateness)
    asterisk = await carry(MENU, machine.asterisk_pids, duration_s, lateness)
    hearing = await carry(listening.uri, lambda: listening.pids, duration_s, lateness)
    return [
        _cpu_figure("CPU of 4 calls, keys only", plain, asterisk),
        _cpu_figure("CPU of 4 calls, listening", hearing, asterisk),
        *_rtp_figures(plain, hearing, asterisk),
    ]


def _cpu_figure(name: str, ours: Load, asterisk: Load) -> Figure:
    return Figure(name, "% core", ours.cpu_percent, asterisk=asterisk.cpu_percent, max_ratio=1.2)


def _rtp_figures(plain: Load, hearing: Load, asterisk: Load) -> list[Figure]:
    def worst_gap_ms(load: Load) -> float:
        return max(stats.gap_p99_ms for stats in load.rtp)

    def lost(load: Load) -> float:
        return float(sum(stats.lost for stats in load.rtp))

    packets = sum(stats.packets for load in (plain, hearing) for stats in load.rtp)
    return [
        Figure("RTP gap p99, keys only", "ms", worst_gap_ms(plain), asterisk=worst_gap_ms(asterisk), note="worst call"),
        Figure("RTP gap p99, listening", "ms", worst_gap_ms(hearing), asterisk=worst_gap_ms(asterisk)),
        Figure("RTP lost", "packets", lost(plain) + lost(hearing), limit=0.0, note=f"of {packets} received"),
    ]
