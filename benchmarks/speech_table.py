"""`python -m benchmarks.speech_table` (`make bench-speech`): how well the bot listens, as one table.

Callers are the independent SIP peer, which calls a bot of this machine directly, four at once. Every figure is printed
with its target, met or missed; what others did to the machine meanwhile stands beside it.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import machine
from benchmarks.callers import Lateness
from benchmarks.speech_accuracy import measure_accuracy
from benchmarks.speech_cost import MODEL, measure_first_sound, measure_memory, measure_streams
from benchmarks.speech_rows import Row, table
from benchmarks.speech_turns import measure_false_stops, measure_turns
from ivr.speech.vosk_recognizer import VoskRecognizer

PARTS = ("accuracy", "turns", "stops", "first-sound", "streams", "memory")


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured."""

    takes: int = 3
    """Of each digit by each person."""
    voices: int = 2
    every: int = 1
    """Of the utterances, only each so manieth."""
    calls: int = 8
    stops_s: float = 30.0
    """Of each kind, in each of four calls."""
    noises_dbfs: tuple[float, ...] = (-50.0, -40.0, -30.0)
    streams_s: float = 60.0


QUICK = Extent(takes=1, voices=1, every=3, calls=2, stops_s=8.0, noises_dbfs=(-40.0,), streams_s=15.0)
FULL = Extent()


def main(
    quick: Annotated[bool, typer.Option(help="Two minutes: fewer callers, shorter loads.")] = False,
    only: Annotated[str, typer.Option(help=f"Only this part: {', '.join(PARTS)}.")] = "",
    write: Annotated[Path | None, typer.Option(help="Write the table to this file as well.")] = None,
) -> None:
    """How well the bot hears, answers and lets itself be interrupted, and what that costs."""
    console = Console(stderr=True, highlight=False)
    if only and only not in PARTS:
        raise typer.BadParameter(f"{only}: parts are {', '.join(PARTS)}")
    began_s = time.monotonic()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="ivr-bench-speech-") as folder:
        for name, part in _parts(Path(folder), QUICK if quick else FULL, console).items():
            if only in ("", name):
                console.print(f"{name} ({time.monotonic() - began_s:.0f} s)", style="dim")
                rows += _watched(part, console)
    missed = [row for row in rows if row.is_met is False]
    text = f"{table(rows)}\n\n{len(missed)} of {sum(row.is_met is not None for row in rows)} targets missed"
    typer.echo(f"{text}; {time.monotonic() - began_s:.0f} s")
    if write is not None:
        write.write_text(text + "\n", encoding="utf-8")
    raise typer.Exit(1 if any(not row.is_busy for row in missed) else 0)


def _parts(folder: Path, extent: Extent, console: Console) -> dict[str, Callable[[Lateness], list[Row]]]:
    def progress(label: str, count: int) -> Callable[[], None]:
        return Steps(console, label, count).done

    return {
        "accuracy": lambda late: measure_accuracy(folder, progress, late, extent.takes, extent.voices, extent.every),
        "turns": lambda late: measure_turns(folder, late, calls=extent.calls),
        "stops": lambda late: measure_false_stops(folder, late, extent.noises_dbfs, duration_s=extent.stops_s),
        "first-sound": lambda _: _with_model(lambda model: [measure_first_sound(model)]),
        "streams": lambda _: _with_model(lambda model: measure_streams(model, duration_s=extent.streams_s)),
        "memory": lambda _: measure_memory(),
    }


def _with_model(measure: Callable[[VoskRecognizer], list[Row]]) -> list[Row]:
    recognizer = VoskRecognizer({"en": MODEL})
    try:
        return measure(recognizer)
    finally:
        recognizer.close()


def _watched(part: Callable[[Lateness], list[Row]], console: Console) -> list[Row]:
    """The rows of a part, and how busy others kept the machine."""
    lateness, watch = Lateness(), machine.Watch([os.getpid()])
    watch.start()
    rows = part(lateness)
    busy = watch.others()
    console.print(
        f"  others used {busy:.0%} of the machine; callers were at most {lateness.max_ms:.0f} ms late", style="dim"
    )
    return [replace(row, busy=busy) for row in rows]


class Steps:
    """Tells of every quarter."""

    def __init__(self, console: Console, label: str, count: int) -> None:
        self._console, self._label, self._count, self._at = console, label, count, 0

    def done(self) -> None:
        """One more."""
        self._at += 1
        if self._at == self._count or self._at % max(1, self._count // 4) == 0:
            self._console.print(f"  {self._label}: {self._at} of {self._count}", style="dim")


if __name__ == "__main__":
    typer.run(main)
