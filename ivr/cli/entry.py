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


def _plain_serve(arguments: Sequence[str]) -> tuple[Path | None, int | None] | None:
    """Settings file and capacity of `serve [--config FILE] [--capacity N]`; None for anything else, which the command
    line explains."""
    command, *options = [part for argument in arguments for part in _split(argument)] or [""]
    given = dict(zip(options[::2], options[1::2], strict=False))
    config, capacity = given.pop("--config", None), given.pop("--capacity", None)
    is_whole = command == "serve" and len(options) % 2 == 0 and not given
    if not is_whole or config == "" or (config or "").startswith("-") or not (capacity is None or _is_number(capacity)):
        return None
    return Path(config) if config else None, int(capacity) if capacity else None


def _split(argument: str) -> Sequence[str]:
    return argument.split("=", 1) if argument.startswith(("--config=", "--capacity=")) else (argument,)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) > 0


def _plain_check(arguments: Sequence[str]) -> list[Path]:
    """The paths of `check PATH…`; none for anything else, which the command line explains."""
    match list(arguments):
        case ["check", *paths] if paths and not any(path.startswith("-") for path in paths):
            return [Path(path) for path in paths]
    return []


if __name__ == "__main__":
    main()
