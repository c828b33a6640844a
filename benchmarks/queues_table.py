"""`python -m benchmarks.queues_table`: 20 processes × 1,000 calls × 50 agents in a simulated hour; what came of it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.queues import BEGIN, QUEUES, Plan, party, prepare
from benchmarks.queues_check import Notes, counts, faults, spread_ms
from ivr.acd.measures import figures, occupancy
from ivr.storage.queues import DatabaseQueues
from tests.storage.conftest import PrivatePostgres

_SHOWN_FAULTS = 20


def main(
    processes: Annotated[int, typer.Option(help="Processes that have callers.")] = 20,
    calls: Annotated[int, typer.Option(help="Of each process.")] = 1000,
    agents: Annotated[int, typer.Option(help="Of all of them together.")] = 50,
    hour_s: Annotated[float, typer.Option(help="Virtual seconds in which all calls come.")] = 3600.0,
    speed: Annotated[float, typer.Option(help="Virtual seconds in a real one.")] = 10.0,
    url: Annotated[str, typer.Option(help="An empty database; a PostgreSQL server of its own when empty.")] = "",
) -> None:
    """Have them all at the same queues, and look whether a call was lost or doubled."""
    plan = Plan(processes, calls, agents, hour_s, speed)
    console = Console(width=None if Console().is_terminal else 130)
    with _database(url) as address, tempfile.TemporaryDirectory(prefix="ivr-queues-") as folder:
        prepare(address, plan)
        begun_s = time.monotonic()
        with party(address, plan, Path(folder)) as lead:
            failed = lead.wait()
        took_s, notes = time.monotonic() - begun_s, Notes.of(Path(folder))
        wrong = faults(address, notes)
        _show(console, address, notes, took_s)
    for line in wrong[:_SHOWN_FAULTS]:
        console.print(line)
    console.print(f"{failed} processes failed, {len(wrong)} faults")
    raise typer.Exit(1 if wrong or failed else 0)


@contextmanager
def _database(url: str) -> Iterator[str]:
    """That one, or a new one on a server of its own that keeps what it says (`fsync`)."""
    if url:
        yield url
        return
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parts[-2]))
    server = PrivatePostgres(binaries[-1])
    try:
        server.start(fsync=True)
        yield server.create_database()
    finally:
        server.remove()


def _show(console: Console, url: str, notes: Notes, took_s: float) -> None:
    acts = sum(map(len, notes.took_ms.values()))
    console.print(f"{took_s:.0f} s, {acts} acts, {acts / took_s:.0f} in a second; {dict(counts(url))}")
    table = Table("act", "count", "p50 ms", "p95 ms", "p99 ms", box=None)
    for act, values in sorted(notes.took_ms.items()):
        table.add_row(act, str(len(values)), *(f"{value:.1f}" for value in spread_ms(values)))
    console.print(table)
    queues = DatabaseQueues(url, QUEUES)
    events, scene = queues.events(BEGIN), queues.scene()
    queues.close()
    for name, rules in QUEUES.items():
        console.print(name, figures(events, name, rules.service_within))
    busy = occupancy(events, scene.agents, BEGIN, max(event.at for event in events))
    console.print(f"occupancy {busy}")


if __name__ == "__main__":
    typer.run(main)
