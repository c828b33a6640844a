"""`ivr front`: the SIP front before several workers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ivr.errors import IvrError
from ivr.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command and its sub-command."""
    group = typer.Typer(no_args_is_help=True, add_completion=False)
    group.callback()(front)
    group.command("config")(config)
    app.add_typer(group, name="front")


def front() -> None:
    """The SIP front before several workers: `ivr front config` prints what Kamailio is started with."""


def config(
    settings_file: Annotated[
        Path | None, typer.Option("--config", help="Settings file; ./ivr.yaml where there is one.")
    ] = None,
) -> None:
    """Print the configuration that Kamailio is started with; secrets are masked."""
    from ivr.front.kamailio import masked_config

    try:
        typer.echo(masked_config(load_settings(settings_file)), nl=False)
    except IvrError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
