"""One run: which parts, in which order, and again where the machine was not quiet."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import machine
from benchmarks.answer import measure_answer, measure_lead_in
from benchmarks.bot import FIRST_RTP_PORT, BenchBot, running_bot, write_sounds
from benchmarks.callers import Lateness
from benchmarks.check import measure_check
from benchmarks.engine import measure_engine
from benchmarks.figures import Figure, Results
from benchmarks.idle import measure_idle
from benchmarks.keys import measure_keys
from benchmarks.load import measure_load
from benchmarks.speech import measure_speech
from tests.lab import control

LATE_LIMIT_MS = 8.0
"""A caller's own packet later than this: the machine was too busy to measure on."""
OTHERS_LIMIT = 0.2
"""Share of the machine that others may use meanwhile."""

PARTS_WITH_CALLS = ("idle", "answer", "lead-in", "keys", "speech", "load")

Part = Callable[[Lateness], Awaitable[list[Figure]]]


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured."""

    calls: int = 30
    rested_calls: int = 5
    key_calls: int = 12
    speech_calls: int = 6
    idle_s: float = 20.0
    load_s: float = 30.0
    check_runs: int = 7
    engine_s: float = 6.0
    attempts: int = 2
    quiet_wait_s: float = 20.0
    repeat_within_s: float = 170.0
    """Nothing is repeated after this time, so that a run on a busy machine ends within six minutes as well."""


QUICK = Extent(
    calls=8, rested_calls=2, key_calls=3, speech_calls=3, idle_s=5.0, load_s=8.0, check_runs=3, engine_s=2.0, attempts=1
)


async def run(folder: Path, extent: Extent, only: str, say: Callable[[str], None]) -> Results:
    """Measure everything, or the parts whose name contains `only`."""
    results = Results()
    for name, alone in _parts_alone(folder, extent).items():
        if only in name:
            say(name)
            results.figures += alone()
    if any(only in name for name in PARTS_WITH_CALLS):
        results.figures += await _run_with_calls(folder, extent, only, say)
    return results


def _parts_alone(folder: Path, extent: Extent) -> dict[str, Callable[[], list[Figure]]]:
    """What is measured without a call, and so without the lab."""
    return {
        "check": lambda: measure_check(folder, runs=extent.check_runs),
        "engine": lambda: measure_engine(duration_s=extent.engine_s),
    }


async def _run_with_calls(folder: Path, extent: Extent, only: str, say: Callable[[str], None]) -> list[Figure]:
    control.ensure_up()
    sounds = write_sounds(folder / "asterisk")
    control.put_sound(sounds.prompt, "menu")
    control.put_sound(sounds.quiet, "answer")
    repeat_until_s = time.monotonic() + extent.repeat_within_s
    with ExitStack() as stack:
        keys_only = stack.enter_context(running_bot(folder, "keys", recognizer="none", lead_in="0s"))
        listening = stack.enter_context(running_bot(folder, "listening", FIRST_RTP_PORT + 100))
        figures: list[Figure] = []
        for name, part in _parts(keys_only, listening, extent).items():
            if only in name:
                say(name)
                figures += await _measured(part, [keys_only, listening], extent, repeat_until_s, say)
        return figures


def _parts(keys_only: BenchBot, listening: BenchBot, extent: Extent) -> dict[str, Part]:
    """In this order: a bot is idle before its first call only."""
    return {
        "idle": lambda lateness: measure_idle(keys_only, listening, duration_s=extent.idle_s),
        "answer": lambda lateness: measure_answer(keys_only, lateness, count=extent.calls, rested=extent.rested_calls),
        "lead-in": lambda lateness: measure_lead_in(listening, lateness, count=max(5, extent.calls // 3)),
        "keys": lambda lateness: measure_keys(listening, lateness, calls=extent.key_calls),
        "speech": lambda lateness: measure_speech(listening, lateness, calls=extent.speech_calls),
        "load": lambda lateness: measure_load(keys_only, listening, lateness, duration_s=extent.load_s),
    }


async def _measured(
    part: Part, bots: list[BenchBot], extent: Extent, repeat_until_s: float, say: Callable[[str], None]
) -> list[Figure]:
    """Measure in a quiet moment; once more where something else kept the machine busy."""
    for attempt in range(1, extent.attempts + 1):
        if not await machine.wait_quiet(extent.quiet_wait_s):
            say(f"  the machine does not come to rest (load {os.getloadavg()[0]:.1f}); measuring all the same")
        lateness = Lateness()
        watch = machine.Watch([*(bot.process.pid for bot in bots), *machine.asterisk_pids()])
        strangers = control.channels()
        watch.start()
        figures = await part(lateness)
        disturbed = _disturbance(lateness, watch.others(), strangers + control.channels())
        if not disturbed:
            return figures
        say(f"  disturbed ({disturbed}), attempt {attempt} of {extent.attempts}")
        if time.monotonic() > repeat_until_s:
            break
    return [figure if figure.unit == "MB" else replace(figure, disturbed=disturbed) for figure in figures]


def _disturbance(lateness: Lateness, others: float, strangers: int) -> str:
    reasons = []
    if lateness.max_ms > LATE_LIMIT_MS:
        reasons.append(f"the callers' packets were up to {lateness.max_ms:.0f} ms late")
    if others > OTHERS_LIMIT:
        reasons.append(f"others used {others:.0%} of the machine")
    if strangers:
        reasons.append("Asterisk carried calls of somebody else")
    return ", ".join(reasons)
