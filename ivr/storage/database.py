"""One SQLite or PostgreSQL database by its URL: engine, time limits, addresses and errors fit to be shown."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, NoSuchModuleError

from ivr.errors import StorageError
from ivr.storage.address import KINDS, SECRET_OPTIONS, parse_address

BUSY_TIMEOUT_S = 5.0
"""How long a locked SQLite file, or a lock in PostgreSQL, is waited for."""
CONNECT_TIMEOUT_S = 5
STATEMENT_TIMEOUT_S = 10

_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}


def parse_url(text: str) -> URL:
    """The URL with our driver chosen. Raises StorageError that shows nothing of the text, which may hold a password."""
    address = parse_address(text)
    url = make_url(address.url)
    return url.set(drivername=_DRIVERS[KINDS[url.get_backend_name()]])


def masked_url(url: URL) -> str:
    """The address without its secrets."""
    return parse_address(url.render_as_string(hide_password=False)).shown


def sqlite_file(url: URL) -> Path | None:
    """The database's file; None for PostgreSQL and for a database in memory."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(str(url.database))


def reason(url: URL, error: BaseException) -> str:
    """First line of what the driver said, without secrets; statements and values never come into it."""
    cause: BaseException = error
    if isinstance(error, DBAPIError) and error.orig is not None:
        cause = error.orig
    text = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
    secrets = [url.password, *(url.query.get(key) for key in SECRET_OPTIONS)]
    for secret in secrets:
        text = text.replace(str(secret), "***") if secret else text
    return text


def open_engine(url: URL, *, pings: bool = True) -> Engine:
    """An engine with time limits everywhere; connects to nothing yet. Raises StorageError.

    With `pings` a connection that was cut while nobody called is noticed before a record meets it; it costs a round
    trip each time, which what is asked every second does not need.
    """
    try:
        return _sqlite(url) if url.get_backend_name() == "sqlite" else _postgresql(url, pings)
    except (ImportError, NoSuchModuleError) as error:
        raise StorageError(
            f"the driver for {masked_url(url)} is missing ({error}); install the project again: pip install -e .",
            retryable=False,
        ) from error


def _postgresql(url: URL, pings: bool) -> Engine:
    limits = f"-c statement_timeout={STATEMENT_TIMEOUT_S}s -c lock_timeout={BUSY_TIMEOUT_S:g}s"
    options = {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "keepalives_idle": 10,
        "tcp_user_timeout": STATEMENT_TIMEOUT_S * 1000,  # milliseconds, by libpq's definition
        "application_name": "ivr",
        "client_encoding": "utf8",  # a database in SQL_ASCII would answer bytes
        "options": limits,
    }
    mine: dict[str, Any] = {key: value for key, value in options.items() if key not in url.query}
    return create_engine(url, connect_args=mine, hide_parameters=True, pool_size=1, max_overflow=0, pool_pre_ping=pings)


def _sqlite(url: URL) -> Engine:
    if sqlite_file(url) is None:
        engine = create_engine(url, hide_parameters=True)
    else:
        # A new connection per transaction notices a file that was deleted or replaced under us.
        engine = create_engine(url, hide_parameters=True, poolclass=NullPool, connect_args={"timeout": BUSY_TIMEOUT_S})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun by _begin_sqlite, schema changes included
    connection.execute("PRAGMA foreign_keys = ON")
    _use_wal(connection)


def _use_wal(connection: sqlite3.Connection) -> None:
    """Write-ahead log: readers do not block the writer. The switch ignores the busy timeout, so it is tried by hand."""
    deadline_s = time.monotonic() + BUSY_TIMEOUT_S
    while connection.execute("PRAGMA journal_mode").fetchone()[0] not in ("wal", "memory"):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: Connection) -> None:
    # A writer that takes its lock only at the first write can be refused without waiting.
    is_reader = connection.get_execution_options().get("reads_only", False)
    connection.exec_driver_sql("BEGIN" if is_reader else "BEGIN IMMEDIATE")


def make_folder(url: URL) -> None:
    """Create the folder of a SQLite file. Raises OSError."""
    file = sqlite_file(url)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
