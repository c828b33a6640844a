"""How long `ivr check` takes for a flow of 1,000 steps, the start of the command included."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from pathlib import Path

from benchmarks.bot import IVR
from benchmarks.figures import Figure
from benchmarks.long_flow import long_flow

STEPS = 1000
LIMIT_S = 1.0


def measure_check(folder: Path, *, runs: int) -> list[Figure]:
    """Wall and CPU time of the command as a user starts it; the quickest run, as the others were held up."""
    figures = []
    for name, bilingual in (("in one language", False), ("in two languages", True)):
        file = folder / f"long_{int(bilingual)}.yaml"
        file.write_text(long_flow(STEPS, bilingual=bilingual), encoding="utf-8")
        _timed(file)  # Python keeps what it compiled
        walls_s, cpus_s = zip(*(_timed(file) for _ in range(runs)), strict=True)
        note = f"{STEPS} steps {name}, the start of the command included; {min(cpus_s):.2f} s of CPU"
        figures.append(
            Figure(f"ivr check {name}", "s", min(walls_s), p50=sorted(walls_s)[runs // 2], limit=LIMIT_S, note=note)
        )
    return figures


def _timed(file: Path) -> tuple[float, float]:
    """Seconds of the clock and of the CPU, helper processes included. Raises RuntimeError for a flow with mistakes."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    before, started_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run([IVR, "check", file], capture_output=True, text=True, env=environment, check=False)
    wall_s, after = time.monotonic() - started_s, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise RuntimeError(f"`ivr check` found mistakes in the generated flow: {done.stdout[-2000:]}{done.stderr}")
    return wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
