"""The table, the JSON and the chart of a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.capacity.runs import Rate
from benchmarks.capacity.summary import Summary


@dataclass(frozen=True, slots=True)
class Side:
    """All of one side: what it did at each load."""

    name: str
    idle_memory_mb: float
    loads: Mapping[int, Summary]
    rate: Rate | None


@dataclass(frozen=True, slots=True)
class Row:
    """A figure, and what is wanted of it next to Asterisk's."""

    name: str
    unit: str
    value: Callable[[Summary, Side], float]
    max_ratio: float | None = None
    max_more: float | None = None
    limit: float | None = None

    def verdict(self, ours: float, asterisk: float) -> str:
        """pass or missed; empty where nothing is wanted."""
        wanted = []
        if self.max_ratio is not None:
            wanted.append(ours <= self.max_ratio * asterisk)
        if self.max_more is not None:
            wanted.append(ours <= asterisk + self.max_more)
        if self.limit is not None:
            wanted.append(ours <= self.limit)
        return ("pass" if all(wanted) else "missed") if wanted else ""


ROWS = (
    Row("CPU of a call", "% core", lambda load, _: load.cpu_per_call, max_ratio=1.0),
    Row("memory of a call", "MB", lambda load, side: (load.cost.memory_mb - side.idle_memory_mb) / load.calls),
    Row("memory in all", "MB", lambda load, _: load.cost.memory_mb),
    Row("INVITE to 200 p50", "ms", lambda load, _: load.answer_ms.p50),
    Row("INVITE to 200 p95", "ms", lambda load, _: load.answer_ms.p95, max_more=20),
    Row("INVITE to 200 p99", "ms", lambda load, _: load.answer_ms.p99, max_more=20),
    Row("200 to first audio p50", "ms", lambda load, _: load.first_audio_ms.p50),
    Row("200 to first audio p95", "ms", lambda load, _: load.first_audio_ms.p95, max_more=20),
    Row("200 to first audio p99", "ms", lambda load, _: load.first_audio_ms.p99, max_more=20),
    Row("RTP lost", "%", lambda load, _: load.lost_percent, limit=0.01),
    Row("RTP gap, off 20 ms by p99", "ms", lambda load, _: load.gap_error_p99_ms, max_more=5),
    Row("longest RTP gap", "ms", lambda load, _: load.longest_gap_ms),
    Row("machine busy", "%", lambda load, _: load.cost.machine_percent),
    Row("not set up", "calls", lambda load, _: load.calls - load.set_up, limit=0),
)


def print_report(ours: Side, asterisk: Side, console: Console) -> int:
    """Print a table for each load; how many wants were missed."""
    missed = 0
    for calls in ours.loads:
        table = Table(title=f"{calls} calls at once", title_justify="left")
        for heading in ("figure", ours.name, asterisk.name, "ratio", ""):
            table.add_column(heading, justify="left" if heading == "figure" else "right")
        for row in ROWS:
            mine, theirs = row.value(ours.loads[calls], ours), row.value(asterisk.loads[calls], asterisk)
            verdict = row.verdict(mine, theirs)
            missed += verdict == "missed"
            ratio = f"{mine / theirs:.2f} ×" if theirs else ""
            table.add_row(row.name, f"{mine:.2f} {row.unit}", f"{theirs:.2f} {row.unit}", ratio, verdict)
        holds = (f"{'yes' if side.loads[calls].holds else 'no'}" for side in (ours, asterisk))
        table.add_row("the load criteria hold", *holds)
        console.print(table)
    for side in (ours, asterisk):
        if side.rate is not None:
            slowest_ms = side.rate.answer_ms.p95
            console.print(f"{side.name}: {side.rate.per_s:g} calls set up per second, 95 % within {slowest_ms:.1f} ms")
    return missed


def growth(side: Side, few: int, many: int) -> float | None:
    """CPU of a call at `many` calls over that at `few`: 1.0 is linear; None where one was not measured."""
    if few not in side.loads or many not in side.loads:
        return None
    return side.loads[many].cpu_per_call / side.loads[few].cpu_per_call


def write_json(path: Path, machine: str, *sides: Side) -> None:
    """Everything, for comparing runs."""
    content: dict[str, Any] = {"machine": machine, "sides": [asdict(side) for side in sides]}
    path.write_text(json.dumps(content, indent=2) + "\n")
