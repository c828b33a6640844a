"""What processes cost, from /proc: CPU seconds and memory of a process with all its children; how busy the rest is."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
CORES = os.cpu_count() or 1
_PARENT, _TIMES = 1, slice(11, 15)
"""Places in /proc/PID/stat after the command's closing bracket: user and system time, both of the process and of its
children that have ended."""


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the state on; empty when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def all_pids() -> list[int]:
    """Every process of the machine."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def tree(pid: int) -> list[int]:
    """A process and everything that it started."""
    parents = {other: int(stat[_PARENT]) for other in all_pids() if (stat := _stat(other))}
    found = [pid]
    for member in found:
        found += [child for child, parent in parents.items() if parent == member]
    return found


def cpu_s(pids: list[int]) -> float:
    """CPU seconds spent so far; the kernel scales them to true run time, so short wake-ups count fully.

    Those of processes that have ended are in their parent's account: of a whole tree the sum never goes down.
    """
    return sum(sum(map(int, _stat(pid)[_TIMES])) for pid in pids) / TICKS_PER_S


def memory_mb(pids: list[int], kind: str = "Rss") -> float:
    """Resident memory in MB (10^6 bytes) summed over processes; `Pss` counts shared pages once."""
    return sum(_rollup_kb(pid, kind) for pid in pids) * 1024 / 1e6


def _rollup_kb(pid: int, kind: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{kind}:")), 0)


def asterisk_pids() -> list[int]:
    """The lab's Asterisk. Raises RuntimeError unless there is exactly one."""
    found = [pid for pid in all_pids() if _command(pid) == "asterisk" and _stat(pid)[_PARENT] != "0"]
    if len(found) != 1:
        raise RuntimeError(f"{len(found)} processes are named asterisk; the comparison needs one (`make lab-up`)")
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def busy_s() -> float:
    """CPU seconds that the whole machine has worked, waiting for disks excluded."""
    user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICKS_PER_S


@dataclass(slots=True)
class Watch:
    """Tells how busy everything but our own processes is."""

    ours: list[int]
    _at_s: float = 0.0
    _busy: float = 0.0
    _mine: float = 0.0

    def start(self) -> None:
        """Begin to count."""
        self._at_s, self._busy, self._mine = time.monotonic(), busy_s(), cpu_s(self._members())

    def others(self) -> float:
        """Share of the machine (0 to 1) that others have used since the start."""
        used_s = (busy_s() - self._busy) - (cpu_s(self._members()) - self._mine)
        return max(0.0, used_s / ((time.monotonic() - self._at_s) * CORES))

    def _members(self) -> list[int]:
        return sorted({member for pid in [os.getpid(), *self.ours] for member in tree(pid)})


async def wait_quiet(limit_s: float, busy_share: float = 0.25) -> bool:
    """Wait until the machine does next to nothing for two seconds; False if that did not come in time."""
    deadline_s = time.monotonic() + limit_s
    while time.monotonic() < deadline_s:
        before_s = busy_s()
        await asyncio.sleep(2)
        if (busy_s() - before_s) / (2 * CORES) < busy_share:
            return True
    return False
