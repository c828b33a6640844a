"""`python -m benchmarks.soak`: many calls of every kind, at half load; then nothing must be left of them.

Exit status 1 when threads, open files or memory do not return to what they were, or a record is missing or open.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from benchmarks import machine
from benchmarks.bot import TRUNK
from ivr.testing.sip_peer import PeerCall, SipPeer
from tests.live.bots import SPEECH, TARGETS, LiveBot, key_for, running_bot, wait_until

PORT, PERSON_PORT = 5283, 5293
LEGS_PER_WORKER = 4
WARM_UP_SHARE, WARM_UP_LIMIT_S = 0.2, 60.0
LINGER_S = 6.0
"""The media clock, the library's sockets and helper processes outlive the last call."""
SETTLE_LIMIT_S = 60.0
GROWTH_LIMIT_MB = 12.0
"""Of each process: allocators keep some of what they once had."""
KINDS = {"hang up": 30, "early": 10, "keys": 30, "speech": 15, "transfer": 15}
"""What callers do, and how often of a hundred."""


async def one_call(phone: SipPeer, uri: str, chance: random.Random, stay_s: float) -> str:
    """A call of one of several kinds; its kind, or how it was refused."""
    kind = chance.choices(list(KINDS), list(KINDS.values()))[0]
    if kind == "early":
        call = await phone.invite(uri)
        await asyncio.sleep(stay_s / 100)
        await call.hang_up()
        return kind
    call = await phone.dial(uri, timeout_s=5)
    if not call.is_answered:
        return f"refused {call.status}"
    await _behave(call, kind, chance)
    await asyncio.sleep(stay_s)
    await call.hang_up()
    return kind


async def _behave(call: PeerCall, kind: str, chance: random.Random) -> None:
    if kind == "hang up":
        return
    await asyncio.sleep(0.3)
    if kind == "keys":
        await call.press(chance.choice(["1", "2", "3", "412"]), duration_ms=60, gap_ms=60)
    elif kind == "speech":
        call.send_wav(SPEECH / "spy-agent.wav")
        await asyncio.sleep(1.0)
    else:
        await call.press(key_for("phone", "bridge"), duration_ms=60, gap_ms=60)


@dataclass(frozen=True, slots=True)
class Resources:
    """What a bot holds, all its processes together."""

    processes: int
    threads: int
    files: int
    memory_mb: float

    @classmethod
    def of(cls, bot: LiveBot) -> Resources:
        """Now."""
        pids = machine.tree(bot.process.pid)
        threads, files = (sum(_entries(pid, kind) for pid in pids) for kind in ("task", "fd"))
        return cls(len(pids), threads, files, machine.memory_mb(pids, "Pss"))

    def is_within(self, before: Resources) -> bool:
        """Whether nothing has grown, but memory by what allocators keep."""
        limit_mb = before.memory_mb + GROWTH_LIMIT_MB * before.processes
        is_alike = self.processes <= before.processes and self.threads <= before.threads and self.files <= before.files
        return is_alike and self.memory_mb <= limit_mb


def _entries(pid: int, kind: str) -> int:
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/{kind}").iterdir())
    except OSError:
        return 0


@dataclass(slots=True)
class Load:
    """Callers at work, and what became of their calls."""

    bot: LiveBot
    callers: int
    longest_stay_s: float
    kinds: Counter[str] = field(default_factory=Counter)

    async def run(self, for_s: float, seed: int, show: Callable[[float], None]) -> None:
        """Call for so long; `show` is told how many seconds are over."""
        began_s = time.monotonic()
        work = [asyncio.create_task(self._caller(began_s + for_s, seed + place)) for place in range(self.callers)]
        while not all(task.done() for task in work):
            show(min(time.monotonic() - began_s, for_s))
            await asyncio.wait(work, timeout=1.0)
        for task in work:
            task.result()

    async def _caller(self, until_s: float, seed: int) -> None:
        chance = random.Random(seed)
        async with SipPeer(user=f"soak{seed}") as phone:
            while time.monotonic() < until_s:
                stay_s = chance.uniform(0.0, self.longest_stay_s)
                self.kinds[await one_call(phone, self.bot.uri, chance, stay_s)] += 1


@dataclass(slots=True)
class Result:
    """Before and after."""

    before: Resources
    after: Resources
    kinds: Counter[str]
    records: int
    open_records: int
    has_errors: bool

    @property
    def calls(self) -> int:
        """Made, those that were refused not counted."""
        return sum(count for kind, count in self.kinds.items() if not kind.startswith("refused"))

    @property
    def problems(self) -> list[str]:
        """What should not be."""
        refused = sorted(kind for kind in self.kinds if kind.startswith("refused"))
        found = [f"{self.kinds[kind]} calls were {kind}" for kind in refused]
        if not self.after.is_within(self.before):
            found.append(f"more is held than before: {self.before} before, {self.after} after")
        if self.records != self.calls or self.open_records:
            found.append(f"{self.calls} calls, {self.records} records, {self.open_records} of them open")
        return [*found, "the bot has logged an error"] if self.has_errors else found


def settled(bot: LiveBot, before: Resources | None = None) -> Resources:
    """What is held when nothing goes on any more."""
    time.sleep(LINGER_S)
    give_up_s = time.monotonic() + SETTLE_LIMIT_S
    while before is not None and not Resources.of(bot).is_within(before) and time.monotonic() < give_up_s:
        time.sleep(1.0)
    return Resources.of(bot)


async def soak(bot: LiveBot, callers: int, for_s: float, show: Callable[[str, float], None]) -> Result:
    """Warm up, look, call for so long, look again. `show` gets what goes on, and the share of the time (0 to 1)."""
    load, warm_up_s = (
        Load(bot, callers, longest_stay_s=min(8.0, for_s / 20)),
        min(WARM_UP_LIMIT_S, for_s * WARM_UP_SHARE),
    )
    async with SipPeer(port=PERSON_PORT):
        await load.run(warm_up_s, 1, lambda s: show("warming up", 0.0))
        before = await asyncio.to_thread(settled, bot)
        await load.run(
            for_s, 1000, lambda s: show(f"{load.kinds.total()} calls, {Resources.of(bot).memory_mb:.0f} MB", s / for_s)
        )
    after = await asyncio.to_thread(settled, bot, before)
    result = Result(before, after, load.kinds, 0, 0, any(sign in bot.log() for sign in ("Traceback", "[error")))
    await asyncio.to_thread(_count_records, bot, result)
    return result


def _count_records(bot: LiveBot, result: Result) -> None:
    def are_complete() -> bool:
        calls = bot.calls(result.calls + 100)
        result.records, result.open_records = len(calls), sum(not call["ended_at"] for call in calls)
        return (result.records, result.open_records) == (result.calls, 0)

    try:
        wait_until(are_complete, 20, lambda: "records are missing")
    except AssertionError:
        return  # the result says so


def _table(result: Result) -> Table:
    table = Table("", "before", "after", title=f"{result.calls} calls: {dict(result.kinds)}")
    for name in ("processes", "threads", "files"):
        table.add_row(name, str(getattr(result.before, name)), str(getattr(result.after, name)))
    table.add_row("memory (PSS)", f"{result.before.memory_mb:.1f} MB", f"{result.after.memory_mb:.1f} MB")
    table.add_row("records", "", f"{result.records}, {result.open_records} open")
    return table


def main(
    minutes: Annotated[float, typer.Option(min=0.2, help="How long calls are made.")] = 30.0,
    capacity: Annotated[int, typer.Option(min=4, help="Of the bot; half of it are callers.")] = 4,
) -> None:
    """Calls of every kind at half load; exit status 1 when anything is left of them."""
    console = Console()
    settings: dict[str, object] = {
        "targets": {name: {"sip": f"sip:person@127.0.0.1:{PERSON_PORT}"} for name in TARGETS}
    }
    sip: dict[str, Any] = {"reserved_legs": 1}
    if capacity > LEGS_PER_WORKER:
        settings |= {"capacity": capacity, "front": {"trunks": {"callers": TRUNK}}}
        sip = {"rtp_port": 17000, "rtp_port_count": 100 * (capacity // LEGS_PER_WORKER + 1)}
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with tempfile.TemporaryDirectory() as folder, Progress(*columns, console=console) as progress:
        task = progress.add_task("starting", total=1.0)
        with running_bot(Path(folder) / "bot", PORT, settings=settings, **sip) as bot:
            show = lambda text, share: progress.update(task, description=text, completed=share)  # noqa: E731
            result = asyncio.run(soak(bot, capacity // 2, minutes * 60, show))
    console.print(_table(result))
    for problem in result.problems:
        console.print(f"[red]{problem}[/red]")
    raise typer.Exit(1 if result.problems else 0)


if __name__ == "__main__":
    typer.run(main)
