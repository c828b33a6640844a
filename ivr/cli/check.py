"""`ivr check`: every mistake in flows, with its place and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ivr.cli.check_run import run


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check")(check)


def check(
    paths: Annotated[list[Path], typer.Argument(help="Flow files, or folders of them.", metavar="PATH...")],
    config: Annotated[Path | None, typer.Option(help="Settings; ./ivr.yaml when left out.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of lines.")] = False,
) -> None:
    """Check flows: errors first, then warnings. Exit status 0 if they can go into service, 1 if not."""
    raise typer.Exit(run(paths, config, strict=strict, as_json=as_json))
