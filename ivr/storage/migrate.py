"""Brings a database to the newest schema; safe when several processes do it at once.

Alembic (9 MB of memory, 0.2 s) is loaded only where a revision is missing.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from ivr.errors import StorageError

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")
"""Every revision of `migrations/versions`, oldest first; the last is the schema of this program."""

_ADVISORY_LOCK = 0x49565201
"""Names our migration lock among the advisory locks of a PostgreSQL database."""


def migrate(engine: Engine, name: str) -> None:
    """Run the missing revisions. `name` is the masked address for messages.

    Raises StorageError (not retryable) when a newer program wrote the database; SQLAlchemyError when it is away.
    """
    with engine.connect() as connection:
        if is_current(connection, name):
            return
    with engine.begin() as connection:  # SQLite: BEGIN IMMEDIATE, one writer at a time
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        if not is_current(connection, name):  # unless another process was faster
            _upgrade(connection)


def revision(connection: Connection, name: str) -> str | None:
    """The database's revision, None for an empty database. Raises StorageError when this program does not know it."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if found is not None and found not in REVISIONS:
        raise StorageError(
            f"the database {name} was written by a newer version of this program (its revision is {found}); "
            "update the program, or set database.url to another database",
            retryable=False,
        )
    return found


def is_current(connection: Connection, name: str) -> bool:
    """Whether the database has the schema of this program."""
    return revision(connection, name) == REVISIONS[-1]


def is_usable(connection: Connection, name: str) -> bool:
    """Whether this program can read it as it is; False for an empty one.

    Raises StorageError for one that was written by an older or a newer version.
    """
    if is_current(connection, name):
        return True
    if revision(connection, name) is None:
        return False
    raise StorageError(
        f"{name} was written by an older version of this program; `ivr serve` brings it up to date", retryable=False
    )


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    location = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", location.replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
