"""Where the `ivr` program begins.

A worker runs for months, and a check is run with every change of a flow: both start without the libraries of the
command line.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path


def main() -> None:
    """Run the command of the process's arguments."""
    arguments = sys.argv[1:]
    if (found := _plain_serve(arguments)) is not None:
        from ivr.cli.worker import run

        sys.exit(run(*found))
    if paths := _plain_check(arguments):
        sys.exit(_check(paths))
    _command()


def _check(paths: Sequence[Path]) -> int:
    from ivr.memory import collect_never, keep_everything, with_plain_names, without_plugins

    keep_everything()
    without_plugins()
    with_plain_names()
    from ivr.cli.check_run import run

    try:
        status = run(paths)
        sys.stdout.flush()
    except BrokenPipeError:  # `ivr check flows/ | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        collect_never()
    return status


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


def _plain_check(arguments: Sequence[str]) -> list[Path]:
    """The paths of `check PATH…`; none for anything else, which the command line explains."""
    match list(arguments):
        case ["check", *paths] if paths and not any(path.startswith("-") for path in paths):
            return [Path(path) for path in paths]
    return []


if __name__ == "__main__":
    main()
