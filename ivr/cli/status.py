"""`ivr status`: the workers of the running bot."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ivr.errors import IvrError
from ivr.settings import load_settings
from ivr.supervisor.control import ask

ConfigOption = Annotated[Path | None, typer.Option("--config", help="Settings; ./ivr.yaml where there is one.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status")(status)


def status(
    as_json: Annotated[bool, typer.Option("--json", help="JSON for programs; fields: docs/workers.md.")] = False,
    config: ConfigOption = None,
) -> None:
    """Show the workers of the bot that runs here, and how many calls each has."""
    answer = asked(config, {"do": "status"})
    if as_json:
        sys.stdout.write(json.dumps(answer, indent=1) + "\n")
    else:
        _show(answer)


def asked(config: Path | None, request: dict[str, Any]) -> dict[str, Any]:
    """The running bot's answer; without one the command ends with 1 and the reason."""
    try:
        return ask(Path(load_settings(config).workers.run_dir), request)
    except IvrError as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(1) from error


def _show(answer: dict[str, Any]) -> None:
    table = Table("worker", "pid", "state", "calls", "legs", "since", "restarts", "sip", box=None)
    for worker in answer["workers"]:
        table.add_row(*(str(worker[str(column.header)]) for column in table.columns))
    console = Console()
    console.print(table)
    if (load := answer["admission"])["is_closed"]:
        console.print(
            f"new calls are refused: {load['late_audio']:.0%} of the audio is late, "
            f"the processors are {load['cpu']:.0%} busy, {load['own_cpu']:.0%} with calls"
        )
    for node in answer["front"].get("nodes", ()):
        heard = f"heard; workers that take calls: {node['workers']}" if node["is_heard"] else "not heard"
        console.print(f"node {node['node']}: {heard}")
    console.print(f"calls: {answer['calls']} of {answer['capacity']}; up since {answer['since']}")
