"""What the speech commands share: errors and logs on standard error, so that standard output is for results."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from ivr.errors import IvrError
from ivr.logs import log_to_standard_error


@contextmanager
def reported_errors() -> Iterator[None]:
    """Log to standard error; turn an error of ours into its text there and exit code 1."""
    log_to_standard_error()
    try:
        yield
    except IvrError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
