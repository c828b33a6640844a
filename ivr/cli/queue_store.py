"""What `ivr agents` and `ivr queues` have in common: the database and the settings of the queues."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ivr.cli import common
from ivr.cli.common import ConfigOption, run

__all__ = ["ConfigOption", "DatabaseOption", "JsonOption", "Source", "local", "run"]

if TYPE_CHECKING:
    from ivr.storage.queues import DatabaseQueues

DatabaseOption = Annotated[
    str | None, typer.Option("--database", metavar="URL", help="Use this database instead of the settings' one.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON for programs; fields: docs/queues.md.")]


class Source(common.Source):
    """Where the queues are, as the options say."""

    @contextmanager
    def opened(self) -> Iterator[DatabaseQueues]:
        """The queues; closed at the end. Raises ConfigError, StorageError."""
        from ivr.storage.queues import DatabaseQueues

        queues = DatabaseQueues(self.url(), self.settings().queues)
        try:
            yield queues
        finally:
            queues.close()


def local(instant: datetime) -> str:
    """As it is read on this machine."""
    return instant.astimezone().strftime("%Y-%m-%d %H:%M:%S")
