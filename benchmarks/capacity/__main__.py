"""`python -m benchmarks.capacity`: the bot and Asterisk under the same calls, one after the other."""

from __future__ import annotations

import platform
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import machine
from benchmarks.bot import running_bot, write_sounds
from benchmarks.capacity.callers import Target
from benchmarks.capacity.chart import write_chart
from benchmarks.capacity.report import Side, growth, print_report, write_json
from benchmarks.capacity.runs import find_rate, run_load
from tests.lab import control

MENU = "402"
FIRST_BOT_RTP_PORT = 10000
REST_S = 15.0
"""Before the memory without calls is read: helpers of the start have ended by then."""
LINEAR_FEW, LINEAR_MANY, LINEAR_WITHIN = 40, 200, 0.1


def main(
    calls: Annotated[str, typer.Option(help="Calls at once, several loads one after the other.")] = "4,40,100,200",
    seconds: Annotated[float, typer.Option(help="How long each load is measured.")] = 20.0,
    rates: Annotated[bool, typer.Option(help="Search the rate of calls set up per second.")] = True,
    listening: Annotated[bool, typer.Option(help="With speech; without it callers use keys only.")] = False,
    json: Annotated[Path | None, typer.Option(help="Write everything to this file as well.")] = None,
    chart: Annotated[Path | None, typer.Option(help="Write a chart (SVG) to this file.")] = None,
) -> None:
    """Figures of many calls beside those of Asterisk in the lab, by SIPp and tcpdump. Needs root for both."""
    console = Console(width=None if Console().is_terminal else 130)
    loads = sorted({int(number) for number in calls.split(",")})
    try:
        with tempfile.TemporaryDirectory(prefix="ivr-capacity-") as folder:
            ours, asterisk = _both(Path(folder), loads, seconds, console, searches=rates, listens=listening)
    except (control.LabError, RuntimeError) as error:
        console.print(str(error), style="bold red", highlight=False)
        raise typer.Exit(2) from error
    missed = print_report(ours, asterisk, console)
    missed += _judge_growth(ours, asterisk, console)
    if json is not None:
        write_json(json, f"{platform.platform()}, {machine.CORES} cores", ours, asterisk)
    if chart is not None:
        write_chart(chart, ours, asterisk)
    raise typer.Exit(1 if missed else 0)


def _judge_growth(ours: Side, asterisk: Side, console: Console) -> bool:
    """Say how the CPU of a call grows; whether it grows too much."""
    factor = growth(ours, LINEAR_FEW, LINEAR_MANY)
    if factor is None:
        return False
    console.print(
        f"CPU of a call at {LINEAR_MANY} calls over that at {LINEAR_FEW}: {factor:.2f}"
        f" (wanted: at most {1 + LINEAR_WITHIN:g}); {asterisk.name} {growth(asterisk, LINEAR_FEW, LINEAR_MANY):.2f}"
    )
    return factor > 1 + LINEAR_WITHIN


def _both(
    folder: Path, loads: Sequence[int], measured_s: float, console: Console, *, searches: bool, listens: bool
) -> tuple[Side, Side]:
    control.ensure_up()
    sounds = write_sounds(folder / "asterisk")
    control.put_sound(sounds.prompt, "menu")
    control.put_sound(sounds.quiet, "answer")
    speech = {} if listens else {"recognizer": "none"}
    capacity = max(loads)
    with running_bot(folder, "bot", FIRST_BOT_RTP_PORT, capacity=capacity, lead_in="0s", **speech) as bot:
        port = int(bot.uri.rpartition(":")[2])
        ours = Target("the bot", "bench", port, lambda: bot.pids)
        sides = [
            _side(target, folder / target.name.replace(" ", "-"), loads, measured_s, console, searches=searches)
            for target in (ours, Target("Asterisk", MENU, control.PORT, machine.asterisk_pids))
        ]
    return sides[0], sides[1]


def _side(
    target: Target, folder: Path, loads: Sequence[int], measured_s: float, console: Console, *, searches: bool
) -> Side:
    time.sleep(REST_S)
    idle_mb = machine.memory_mb(target.pids(), "Pss")
    done = {}
    for calls in loads:
        console.print(f"{target.name}: {calls} calls", style="dim")
        done[calls] = run_load(target, folder / f"load-{calls}", calls, measured_s)
    if searches:
        console.print(f"{target.name}: calls set up per second", style="dim")
    return Side(target.name, idle_mb, done, find_rate(target, folder / "rate", max(loads)) if searches else None)


if __name__ == "__main__":
    typer.run(main)
