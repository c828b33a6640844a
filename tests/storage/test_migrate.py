"""Schema and migrations on both databases."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from ivr.config import DatabaseSettings
from ivr.errors import StorageError
from ivr.storage import migrate as migrate_module
from ivr.storage.call_log import DatabaseCallLog
from ivr.storage.calls import CallRepository
from ivr.storage.database import make_folder, open_engine, parse_url
from ivr.storage.indexes import metadata
from ivr.storage.migrate import REVISIONS, migrate
from tests.storage.conftest import OpenLog
from tests.storage.records import write_call

pytestmark = pytest.mark.adapter

PROCESSES, CALLS_EACH = 4, 25


def test_migrations_make_exactly_the_schema_of_the_code(database_url: str) -> None:
    url = parse_url(database_url)
    make_folder(url)
    engine = open_engine(url)
    migrate(engine, "test")
    migrate(engine, "test")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        found = inspect(connection)
        assert [index["name"] for index in found.get_indexes("calls")] == ["ix_calls_open", "ix_calls_started_at"]
    engine.dispose()


def test_the_program_knows_every_revision_of_its_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate_module.__file__).parent / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    assert [script.revision for script in scripts.walk_revisions()] == list(reversed(REVISIONS))
    assert scripts.get_current_head() == REVISIONS[-1]


def test_sqlite_uses_a_write_ahead_log(sqlite_url: str, open_log: OpenLog) -> None:
    open_log(sqlite_url)
    engine = open_engine(parse_url(sqlite_url))
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA busy_timeout")).scalar() == 5000


def test_newer_database_stops_the_start_with_a_remedy(database_url: str, open_log: OpenLog) -> None:
    open_log(database_url).close()
    engine = open_engine(parse_url(database_url))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StorageError, match=r"newer version.*9999.*update the program") as caught:
        open_log(database_url)
    assert not caught.value.retryable
    with CallRepository(database_url) as repository, pytest.raises(StorageError, match="newer version"):
        repository.last(1)


def _write_calls(url: str, folder: str, number: int, gate: object) -> None:
    gate.wait()  # type: ignore[attr-defined]
    with DatabaseCallLog(DatabaseSettings(url=url, spool_dir=folder), f"host/{number}") as log:
        for call in range(CALLS_EACH):
            write_call(log, f"call-{number}-{call}", worker=log.worker)
        log.close(60.0)


def test_processes_migrate_and_write_at_once(database_url: str, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(PROCESSES)
    spool = str(tmp_path / "spool")
    workers = [
        context.Process(target=_write_calls, args=(database_url, spool, number, gate)) for number in range(PROCESSES)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(100)
    assert [worker.exitcode for worker in workers] == [0] * PROCESSES
    with CallRepository(database_url) as repository:
        records = repository.last(1000)
        assert len({record.id for record in records}) == len(records) == PROCESSES * CALLS_EACH
        assert all(len(repository.get(record.id).steps) == 3 for record in records[:10])
    assert list((tmp_path / "spool").glob("*/*.jsonl")) == []
