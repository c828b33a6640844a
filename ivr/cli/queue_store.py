"""What `ivr agents` and `ivr queues` have in common: the database and the settings of the queues."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ivr.errors import IvrError
from ivr.settings import load_settings

if TYPE_CHECKING:
    from ivr.config import Settings
    from ivr.storage.queues import DatabaseQueues

ConfigOption = Annotated[Path | None, typer.Option("--config", help="Settings file; ./ivr.yaml where there is one.")]
DatabaseOption = Annotated[
    str | None, typer.Option("--database", metavar="URL", help="Use this database instead of the settings' one.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON for programs; fields: docs/queues.md.")]


@dataclass(frozen=True)
class Source:
    """Where the queues are, as the options say."""

    config: Path | None
    database: str | None

    def settings(self) -> Settings:
        """Raises ConfigError."""
        return load_settings(self.config)

    @contextmanager
    def opened(self) -> Iterator[DatabaseQueues]:
        """The queues; closed at the end. Raises ConfigError, StorageError."""
        from ivr.storage.queues import DatabaseQueues

        settings = self.settings()
        queues = DatabaseQueues(self.database or settings.database.url, settings.queues)
        try:
            yield queues
        finally:
            queues.close()


def run(command: Callable[[], None]) -> None:
    """Do it; an error that is raised on purpose is its text, and exit status 1."""
    try:
        command()
    except IvrError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


def local(instant: datetime) -> str:
    """As it is read on this machine."""
    return instant.astimezone().strftime("%Y-%m-%d %H:%M:%S")
