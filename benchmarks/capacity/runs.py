"""Runs at one load, and the search for the rate at which calls can be set up."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks import machine
from benchmarks.capacity.callers import Target, place_calls
from benchmarks.capacity.summary import Cost, Percentiles, Summary, summarize

RAMP_PER_S = 20.0
SETTLE_S = 2.0
SHORT_CALL_S = 1.0
BURST_S = 5.0
RATES_PER_S = (10, 20, 30, 40, 60, 80, 120)
ANSWER_LIMIT_MS = 500.0
"""A rate holds when every call is answered, 95 % of them in this time."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Calls set up per second that still held."""

    per_s: float
    answer_ms: Percentiles


class _Meter:
    """CPU and memory of a target's processes between two moments."""

    def __init__(self, target: Target, measured_s: float) -> None:
        self._target, self._measured_s = target, measured_s
        self.cost = Cost(0, 0, 0)
        self.from_s = self.to_s = 0.0

    def __call__(self) -> None:
        time.sleep(SETTLE_S)
        pids = self._target.pids()
        self.from_s, used_s, busy_s = time.time(), machine.cpu_s(pids), machine.busy_s()
        time.sleep(self._measured_s)
        self.to_s = time.time()
        took_s = self.to_s - self.from_s
        cpu_percent = (machine.cpu_s(pids) - used_s) / took_s * 100
        machine_percent = (machine.busy_s() - busy_s) / took_s / machine.CORES * 100
        self.cost = Cost(cpu_percent, machine.memory_mb(pids, "Pss"), machine_percent)


def run_load(target: Target, folder: Path, calls: int, measured_s: float) -> Summary:
    """`calls` calls at once for `measured_s`."""
    meter = _Meter(target, measured_s)
    duration_s = calls / RAMP_PER_S + SETTLE_S + measured_s + 1
    placed = place_calls(target, folder, calls=calls, rate_per_s=RAMP_PER_S, duration_s=duration_s, while_up=meter)
    return summarize(placed, calls, meter.cost, meter.from_s, meter.to_s)


def find_rate(target: Target, folder: Path, capacity: int) -> Rate | None:
    """The highest of the rates that holds, each for five seconds of calls of one second; None if not even the first."""
    held = None
    for rate in RATES_PER_S:
        if rate * (SHORT_CALL_S + 1) > capacity:
            break
        count = round(rate * BURST_S)
        placed = place_calls(
            target, folder / str(rate), calls=count, rate_per_s=rate, duration_s=SHORT_CALL_S, while_up=lambda: None
        )
        answers = Percentiles.of([delay for call in placed if (delay := call.answer_delay_ms) is not None])
        if sum(call.answered_s is not None for call in placed) < count or answers.p95 > ANSWER_LIMIT_MS:
            break
        held = Rate(rate, answers)
    return held
