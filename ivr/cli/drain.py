"""`ivr drain`: workers are replaced, and no call is dropped for it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ivr.cli.status import ConfigOption, asked


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("drain")(drain)


def drain(
    worker: Annotated[str, typer.Argument(metavar="[WORKER]", help="Such as w3; all of them when left out.")] = "",
    config: ConfigOption = None,
) -> None:
    """Replace a worker, or all of them, one after the other; each ends with its last call.

    Without WORKER the settings are read again, as with SIGHUP: new workers have the new ones.
    """
    answer = asked(config, {"do": "drain", **({"worker": worker} if worker else {})})
    sys.stdout.write(f"replacing {', '.join(answer['replacing'])}; `ivr status` shows how far it is\n")
