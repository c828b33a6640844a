"""Brings a database to the newest schema; safe when several processes do it at once."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from ivr.errors import StorageError

_ADVISORY_LOCK = 0x49565201
"""Names our migration lock among the advisory locks of a PostgreSQL database."""


def migrate(engine: Engine, name: str) -> None:
    """Run the missing revisions. `name` is the masked address for messages.

    Raises StorageError (not retryable) when a newer program wrote the database; SQLAlchemyError when it is away.
    """
    scripts = _scripts()
    with engine.connect() as connection:
        if revision(connection, name, scripts) == scripts.get_current_head():
            return
    with engine.begin() as connection:  # SQLite: BEGIN IMMEDIATE, one writer at a time
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        if revision(connection, name, scripts) == scripts.get_current_head():
            return  # another process was faster
        command.upgrade(_config(connection), "head")


def revision(connection: Connection, name: str, scripts: ScriptDirectory | None = None) -> str | None:
    """The database's revision, None for an empty database. Raises StorageError when this program does not know it."""
    found = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in (scripts or _scripts()).walk_revisions()}
    if found is not None and found not in known:
        raise StorageError(
            f"the database {name} was written by a newer version of this program (its revision is {found}); "
            "update the program, or set database.url to another database",
            retryable=False,
        )
    return found


def is_current(connection: Connection, name: str) -> bool:
    """Whether the database has the schema of this program."""
    scripts = _scripts()
    return revision(connection, name, scripts) == scripts.get_current_head()


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    location = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", location.replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
