"""Where the `ivr` program begins. A worker runs for months: it starts without the libraries of the command line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path


def main() -> None:
    """Run the command of the process's arguments."""
    found = _plain_serve(sys.argv[1:])
    if found is None:
        _command()
        return
    from ivr.cli.worker import run

    sys.exit(run(*found))


def _command() -> None:
    from ivr.memory import collect_never, collect_seldom

    collect_seldom()
    from ivr.cli.main import app

    try:
        app()
    finally:
        collect_never()


def _plain_serve(arguments: Sequence[str]) -> tuple[Path | None] | None:
    """The settings file of `serve [--config FILE]`; None for anything else, which the command line explains."""
    match list(arguments):
        case ["serve"]:
            return (None,)
        case ["serve", "--config", file] if file and not file.startswith("-"):
            return (Path(file),)
        case ["serve", option] if option.startswith("--config=") and len(option) > len("--config="):
            return (Path(option.removeprefix("--config=")),)
    return None


if __name__ == "__main__":
    main()
