"""`ivr serve`: answer calls until told to stop."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve")(serve)


def serve(
    config: Annotated[Path | None, typer.Option(help="Settings; ./ivr.yaml where there is one.")] = None,
    capacity: Annotated[int | None, typer.Option(min=1, help="Calls at once; goes before the settings.")] = None,
) -> None:
    """Answer calls. Prints `ready sip:…` once calls are accepted; SIGTERM or Ctrl-C ends all calls and the bot."""
    from ivr.cli.worker import run

    raise typer.Exit(run(config, capacity))
