"""`python -m benchmarks.workers`: what many workers without calls cost: start, CPU, memory and its places, changes."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks import machine
from benchmarks.bot import BEHIND_FRONT_PORT, TRUNK, started, write_project
from ivr.flow.loader import content_version
from ivr.publishing.worker_state import living_workers
from ivr.supervisor.control import ask

ROOT = Path(__file__).resolve().parents[1]
REST_S = 20.0
"""Helpers of the start have ended by then."""
START_LIMIT_S, CPU_LIMIT_PERCENT, MEMORY_LIMIT_MB = 10.0, 5.0, 600.0
"""Of 50 workers."""
CHANGES, CHANGE_LIMIT_S = 5, 60.0
"""Of a flow; how long one may take to reach all workers."""
CHANGE_REST_S = 3.0
PLACES_SHOWN = 16
_MAPPING = re.compile(r"^[0-9a-f]+-[0-9a-f]+ (\S+) \S+ \S+ \S+ *(.*)$")


def main(
    capacity: Annotated[int, typer.Option(help="Calls that the bot has room for.")] = 200,
    shipped: Annotated[bool, typer.Option(help="The shipped settings and flows, not the benchmark's menu.")] = False,
    seconds: Annotated[float, typer.Option(help="How long processor time is measured.")] = 20.0,
) -> None:
    """Start a bot of several workers and look at its processes."""
    console = Console(width=None if Console().is_terminal else 130)
    with tempfile.TemporaryDirectory(prefix="ivr-workers-") as folder:
        project = write_project(Path(folder) / "bot", capacity=capacity)
        if shipped:
            _ship(project, capacity)
        with started(project):  # as on every day but the first
            pass
        begun_s, busy_s = time.monotonic(), machine.busy_s()
        with started(project) as (process, _):
            took_s, used_s = time.monotonic() - begun_s, machine.cpu_s(machine.tree(process.pid))
            others = 1 - used_s / max(machine.busy_s() - busy_s, used_s)
            console.print(f"start: {took_s:.1f} s, {used_s:.1f} s of CPU; limit {START_LIMIT_S:g} s for 50 workers")
            console.print(f"used by others meanwhile: {others:.0%} of what the machine did", style="dim")
            time.sleep(REST_S)
            missed = _idle(process.pid, project, seconds, console)
            _change(process.pid, project, console)
    raise typer.Exit(1 if missed or took_s > START_LIMIT_S else 0)


def _ship(project: Path, capacity: int) -> None:
    """The settings and flows that come with the program; what it writes stays in the project."""
    settings: dict[str, Any] = yaml.safe_load((ROOT / "ivr.yaml").read_text())
    del settings["sip"]["rtp_port_count"]
    shutil.copytree(ROOT / "flows", project / "flows", dirs_exist_ok=True)
    (project / "flows" / "bench.yaml").unlink()
    settings["sip"] |= {"address": "127.0.0.1", "port": BEHIND_FRONT_PORT}
    settings |= {"capacity": capacity, "flows": "flows", "sounds": str(ROOT / "sounds")}
    settings |= {"front": {"trunks": {"callers": TRUNK}}}
    settings["speech"]["cache_dir"] = str(project / "cache")
    (project / "ivr.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))


def _idle(supervisor: int, project: Path, measured_s: float, console: Console) -> bool:
    """Print what the processes take; whether a limit was missed."""
    workers = [worker["pid"] for worker in ask(project / "var/run", {"do": "status"})["workers"]]
    forked_from = _parent(workers[0])
    with_helpers = [member for pid in workers for member in machine.tree(pid)]
    begun_s, before = time.monotonic(), (machine.cpu_s(with_helpers), machine.cpu_s([supervisor]))
    time.sleep(measured_s)
    elapsed_s = time.monotonic() - begun_s
    cpu, cpu_supervisor = (
        (machine.cpu_s(pids) - used_s) / elapsed_s * 100
        for pids, used_s in zip((with_helpers, [supervisor]), before, strict=True)
    )
    pss, own = machine.memory_mb(with_helpers, "Pss"), machine.memory_mb(with_helpers, "Private_Dirty")
    places = sum((private_kb(pid) for pid in with_helpers), Counter[str]())
    table = Table("What", "Figure", title=f"{len(workers)} workers without calls")
    rows = {
        "processes, helpers included": f"{len(with_helpers)}",
        "threads of a worker": f"{sum(_threads(pid) for pid in workers) / len(workers):.1f}",
        "memory (PSS) of the workers and helpers": f"{pss:.0f} MB, {pss / len(workers):.2f} MB each",
        "... of it nobody else's (private, written)": f"{own:.0f} MB, {own / len(workers):.2f} MB each",
        "memory (PSS) of what they are forked from": f"{machine.memory_mb([forked_from], 'Pss'):.1f} MB"
        f" (RSS {machine.memory_mb([forked_from]):.0f} MB)",
        "memory (PSS) of the supervisor": f"{machine.memory_mb([supervisor], 'Pss'):.1f} MB",
        "CPU of the workers": f"{cpu:.2f} % of a core",
        "CPU of the supervisor": f"{cpu_supervisor:.2f} % of a core",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)
    _print_places(places, len(workers), console)
    share = len(workers) / 50
    return pss > MEMORY_LIMIT_MB * share or cpu > CPU_LIMIT_PERCENT * share


def _change(supervisor: int, project: Path, console: Console) -> None:
    """Change a flow several times, and print what becomes of the workers' memory."""
    file = next(file for name in ("bench.yaml", "demo.yaml") if (file := project / "flows" / name).exists())
    workers = [worker["pid"] for worker in ask(project / "var/run", {"do": "status"})["workers"]]
    table = Table("Change of a flow", "In all workers after", "CPU of all processes", "Memory (PSS) of the workers")
    for number in range(1, CHANGES + 1):
        begun_s, used_s = time.monotonic(), machine.cpu_s(machine.tree(supervisor))
        file.write_text(f"{file.read_text()}# change {number}\n")
        _wait_for_version(project, file, len(workers), begun_s + CHANGE_LIMIT_S)
        took_s = time.monotonic() - begun_s
        time.sleep(CHANGE_REST_S)
        used_s = machine.cpu_s(machine.tree(supervisor)) - used_s
        pss = machine.memory_mb(workers, "Pss")
        table.add_row(f"{number}", f"{took_s:.1f} s", f"{used_s:.1f} s", f"{pss:.0f} MB")
    console.print(table)


def _wait_for_version(project: Path, file: Path, workers: int, give_up_s: float) -> None:
    version = content_version(file.read_bytes())
    while time.monotonic() < give_up_s:
        states = living_workers(project / "var" / "flows")
        if sum(state.flows[file.stem].version == version for state in states if file.stem in state.flows) >= workers:
            return
        time.sleep(0.1)
    raise RuntimeError("the change did not reach all workers")


def _print_places(places: Counter[str], workers: int, console: Console) -> None:
    table = Table("Private memory, by what it belongs to", "kB of a worker")
    for place, kilobytes in places.most_common(PLACES_SHOWN):
        table.add_row(escape(place), f"{kilobytes / workers:.0f}")
    console.print(table)


def private_kb(pid: int) -> Counter[str]:
    """kB that no other process shares, by the mapping: a library's name, heap, stack, or none."""
    found, place = Counter[str](), ""
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if mapping := _MAPPING.match(line):
            place = os.path.basename(mapping[2]) or "no file (arenas, stacks of threads)"
        elif line.startswith(("Private_Dirty:", "Private_Clean:")):
            found[place] += int(line.split()[1])
    return found


def _parent(pid: int) -> int:
    return int(re.search(r"PPid:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])  # type: ignore[index]


def _threads(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/task"))


if __name__ == "__main__":
    typer.run(main)
