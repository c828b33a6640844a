"""What the speech commands share: errors and logs on standard error, so that standard output is for results."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import typer

from ivr.errors import IvrError


@contextmanager
def reported_errors() -> Iterator[None]:
    """Log to standard error; turn an error of ours into its text there and exit code 1."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr), cache_logger_on_first_use=False)
    try:
        yield
    except IvrError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
