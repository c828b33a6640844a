"""`python -m benchmarks.transfers`: transfers one after the other, in every mode; then nothing must be left of them.

Exit status 1 when a leg, thread, open file or process is left, or a record is missing, open or not what it should
be. Caller and person are telephones without a PBX: they follow REFER by themselves.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import Progress

from benchmarks.soak import Resources, settled
from ivr.testing.sip_peer import PeerCall, SipPeer
from tests.free_port import free_udp_port
from tests.live.bots import MENU_HZ, TARGETS, LiveBot, answered, hears, key_for, running_bot, wait_until

MODES: Final = ("bridge", "auto", "attended")
WARM_UP: Final = 6
TALK_HZ: Final = 1330
PATIENCE_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the person is called, and where the bot shows its figures."""

    person: int
    figures: int

    @classmethod
    def free(cls) -> Ports:
        """Two that nobody uses."""
        return cls(free_udp_port(), free_udp_port())

    def settings(self) -> dict[str, object]:
        """Of the bot."""
        person = f"sip:person@127.0.0.1:{self.person}"
        return {
            "targets": {name: {"sip": person} for name in TARGETS},
            "metrics": {"listen": f"127.0.0.1:{self.figures}"},
        }

    def legs(self) -> float:
        """How many legs the bot has."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.figures}/metrics", timeout=5) as answer:
            found = re.search(r"^ivr_legs(?:\{[^}]*\})? (\S+)$", answer.read().decode(), re.MULTILINE)
        assert found, "no ivr_legs"
        return float(found[1])


async def transfers(bot: LiveBot, ports: Ports, count: int, show: Callable[[int], None] = lambda done: None) -> None:
    """So many, in turn of every mode, ended in turn by caller and person."""
    async with SipPeer(user="moved") as phone, SipPeer(user="person", port=ports.person) as desk:
        for number in range(count):
            await _transfer(bot, phone, desk, MODES[number % len(MODES)], caller_ends=number % 2 == 0)
            show(number + 1)


async def _transfer(bot: LiveBot, phone: SipPeer, desk: SipPeer, mode: str, *, caller_ends: bool) -> None:
    call = await answered(phone.dial(bot.uri, timeout_s=5))
    await hears(call, MENU_HZ)
    await call.press(key_for("phone", mode), duration_ms=60, gap_ms=60)
    person = await desk.wait_call(PATIENCE_S)
    await person.wait_answered(PATIENCE_S)
    if mode != "bridge":
        await call.wait_ended(PATIENCE_S)  # by the bot, when the REFER has been followed
        assert call.transferred_to is not None, f"{mode}: the REFER was not followed"
        call, person = call.transferred_to, await desk.wait_call(PATIENCE_S)
    await _talk(call, person)
    await (call if caller_ends else person).hang_up()
    await asyncio.gather(call.wait_ended(PATIENCE_S), person.wait_ended(PATIENCE_S))


async def _talk(call: PeerCall, person: PeerCall) -> None:
    sending = person.send_tone(TALK_HZ, 5.0)
    await hears(call, TALK_HZ)
    person.stop_sending()
    assert sending.started_at_s is not None


def what_is_left(bot: LiveBot, ports: Ports, count: int, before: Resources) -> list[str]:
    """What should not be after `count` transfers."""
    wait_until(lambda: ports.legs() == 0, PATIENCE_S, lambda: f"{ports.legs()} legs are left")
    after = settled(bot, before)
    found = [] if after.is_within(before) else [f"more is held than before: {before} before, {after} after"]
    calls = bot.calls(count + 10)
    strange = [call for call in calls if not call["ended_at"] or call["end_reason"] != "transferred"]
    if len(calls) != count or strange:
        found.append(f"{count} transfers, {len(calls)} records; of them open or not transferred: {strange}")
    signs = [sign for sign in ("Traceback", "[error") if sign in bot.log()]
    return [*found, *(f"the bot's log has {sign!r}" for sign in signs)]


def main(count: Annotated[int, typer.Option(min=1, help="How many transfers.")] = 100) -> None:
    """Transfers one after the other; exit status 1 when anything is left of them."""
    console, ports = Console(), Ports.free()
    with tempfile.TemporaryDirectory() as folder, Progress(console=console) as progress:
        task = progress.add_task("transfers", total=count)
        with running_bot(Path(folder) / "bot", free_udp_port(), settings=ports.settings()) as bot:
            asyncio.run(transfers(bot, ports, WARM_UP))
            before = settled(bot)
            asyncio.run(transfers(bot, ports, count, lambda done: progress.update(task, completed=done)))
            left = what_is_left(bot, ports, WARM_UP + count, before)
    console.print(f"{count} transfers; held before: {before}")
    for problem in left:
        console.print(f"[red]{problem}[/red]")
    raise typer.Exit(1 if left else 0)


if __name__ == "__main__":
    typer.run(main)
