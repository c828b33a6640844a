"""How much of the machine's processors is in use, as Linux counts it. Elsewhere nothing is known: 0 of 0."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NamedTuple

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_BUSY: Final = (0, 2, 5, 6)
"""Columns of /proc/stat (proc_stat(5)): user, system, irq, softirq; not `nice`, which stands back for calls."""
_ALL: Final = range(7)
"""Not `steal`: that time was another machine's on the same hardware."""


class ProcessorTimes(NamedTuple):
    """Seconds since some moment."""

    busy_s: float
    """Of programs that do not stand back for others (nice)."""
    all_s: float
    """That there was, of all processors that this process may use."""
    group_s: float
    """Of the process's control group (cgroup v2), where that is limited."""
    group_processors: float
    """How many it may use; 0 is no limit."""


def read_processors(root: Path = Path("/")) -> ProcessorTimes:
    """The counters of this moment. Takes about 50 µs."""
    try:
        stat = (root / "proc/stat").read_text()
    except OSError:
        return ProcessorTimes(0, 0, 0, 0)
    ours = {f"cpu{number}" for number in os.sched_getaffinity(0)}
    rows = [line.split() for line in stat.splitlines() if line.startswith("cpu")]
    counted = [[int(ticks) for ticks in row[1:]] for row in rows if row[0] in ours]
    busy = sum(ticks[column] for ticks in counted for column in _BUSY)
    total = sum(ticks[column] for ticks in counted for column in _ALL)
    return ProcessorTimes(busy / _TICKS_PER_S, total / _TICKS_PER_S, *_control_group(root))


def _control_group(root: Path) -> tuple[float, float]:
    try:
        name = (root / "proc/self/cgroup").read_text().rpartition("0::/")[2].strip()
        folder = root / "sys/fs/cgroup" / name
        quota, period = (folder / "cpu.max").read_text().split()
        if quota == "max":
            return 0.0, 0.0
        usage = next(line.split()[1] for line in (folder / "cpu.stat").read_text().splitlines() if "usage_usec" in line)
    except (OSError, ValueError, StopIteration):
        return 0.0, 0.0
    return int(usage) / 1e6, int(quota) / int(period)
