"""What commands have in common: where the settings and the database are, and how a mistake is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ivr.errors import IvrError
from ivr.settings import load_settings

if TYPE_CHECKING:
    from ivr.config import Settings

ConfigOption = Annotated[Path | None, typer.Option("--config", help="Settings file; ./ivr.yaml where there is one.")]


@dataclass(frozen=True, slots=True)
class Source:
    """Where settings and records are, as the options say."""

    config: Path | None
    database: str | None = None

    def behind(self, outer: Source) -> Source:
        """This one, and what it leaves out from the command before it."""
        return Source(self.config or outer.config, self.database or outer.database)

    def settings(self) -> Settings:
        """Raises ConfigError."""
        return load_settings(self.config)

    def url(self) -> str:
        """Of the database. Raises ConfigError."""
        return self.database or self.settings().database.url


@contextmanager
def told(other: type[Exception] = IvrError) -> Iterator[None]:
    """An error that is raised on purpose, or the `other` one, is its text on standard error, and exit status 1."""
    try:
        yield
    except (IvrError, other) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


def run(command: Callable[[], None]) -> None:
    """Do it; see `told`."""
    with told():
        command()
