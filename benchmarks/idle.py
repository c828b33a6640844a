"""What a bot costs that has nothing to do."""

from __future__ import annotations

import asyncio
import time

from benchmarks import machine
from benchmarks.bot import BenchBot
from benchmarks.figures import Figure

SETTLE_S = 4.0


async def measure_idle(without: BenchBot, listening: BenchBot, *, duration_s: float) -> list[Figure]:
    """CPU and memory of both, at the same time; neither has had a call yet."""
    await asyncio.sleep(SETTLE_S)
    bots = [without, listening]
    started_s, before = time.monotonic(), [machine.cpu_s(bot.pids) for bot in bots]
    await asyncio.sleep(duration_s)
    elapsed_s = time.monotonic() - started_s
    percents = [(machine.cpu_s(bot.pids) - used_s) / elapsed_s * 100 for bot, used_s in zip(bots, before, strict=True)]
    figures = [
        Figure("idle CPU", "% core", percents[0], limit=1.5, note="keys only"),
        Figure("idle CPU with speech", "% core", percents[1], limit=1.5),
    ]
    for bot, limit_mb in ((without, 60.0), (listening, None)):
        pids = bot.pids
        name = "memory" if bot is without else "memory with speech"
        note = f"RSS of {len(pids)} process(es); PSS {machine.memory_mb(pids, 'Pss'):.1f} MB"
        figures.append(Figure(name, "MB", machine.memory_mb(pids), limit=limit_mb, note=note))
    return figures
