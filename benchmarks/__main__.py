"""`python -m benchmarks`: measure, print the table, end with status 1 when a limit was missed undisturbed."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.report import print_table, write_json
from benchmarks.runs import QUICK, Extent, run
from tests.lab.control import LabError


def main(
    json: Annotated[Path | None, typer.Option(help="Write the figures to this file as well.")] = None,
    quick: Annotated[bool, typer.Option(help="One minute: fewer calls, shorter loads, no repetition.")] = False,
    only: Annotated[
        str, typer.Option(help="Only this part: check, engine, idle, answer, lead-in, keys, speech, load.")
    ] = "",
) -> None:
    """Figures of the bot beside those of Asterisk in the lab, measured by an independent caller."""
    console = Console(width=None if Console().is_terminal else 170)
    started_s = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="ivr-bench-") as folder:
            results = asyncio.run(
                run(Path(folder), QUICK if quick else Extent(), only, lambda line: console.print(line, style="dim"))
            )
    except (LabError, RuntimeError) as error:
        console.print(str(error), style="bold red", highlight=False)
        raise typer.Exit(2) from error
    print_table(results, console)
    console.print(f"{time.monotonic() - started_s:.0f} s", style="dim")
    if json is not None:
        write_json(results, json)
    raise typer.Exit(1 if results.missed else 0)


if __name__ == "__main__":
    typer.run(main)
