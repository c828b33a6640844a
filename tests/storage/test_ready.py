"""One process sees to the database for many workers: none of them touches it before it has something to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.config import DatabaseSettings
from ivr.storage.call_log import make_ready
from ivr.storage.calls import CallRepository
from tests.storage.conftest import OpenLog
from tests.storage.records import started, write_call
from tests.waiting import wait_until

pytestmark = pytest.mark.adapter


def settings(url: str, tmp_path: Path) -> DatabaseSettings:
    return DatabaseSettings(url=url, spool_dir=str(tmp_path / "spool"))


def test_a_ready_database_is_not_touched_before_the_first_record(
    sqlite_url: str, open_log: OpenLog, tmp_path: Path
) -> None:
    assert make_ready(settings(sqlite_url, tmp_path), ["host/1"])
    log = open_log(sqlite_url, is_ready=True)
    assert log._database.pid is None
    assert log.health.state == "ok"
    write_call(log, "call-1")
    wait_until(lambda: log._database.pid is not None and not log.health.spooled, "the call is written")
    log.close()
    with CallRepository(sqlite_url) as repository:
        assert [call.id for call in repository.last(5)] == ["call-1"]


def test_calls_that_earlier_workers_left_open_are_closed_once_for_all(
    sqlite_url: str, open_log: OpenLog, tmp_path: Path
) -> None:
    for worker in ("host/1", "host/2"):
        log = open_log(sqlite_url, worker)
        log.call_started(started(f"of-{worker[-1]}", worker=worker))
        log.close()
    assert make_ready(settings(sqlite_url, tmp_path), ["host/1"])
    with CallRepository(sqlite_url) as repository:
        assert {call.id: call.end_reason for call in repository.last(5)} == {"of-1": "lost", "of-2": None}


def test_what_waits_in_the_spool_is_written_without_a_new_record(
    sqlite_url: str, open_log: OpenLog, tmp_path: Path
) -> None:
    away = open_log("postgresql+psycopg://ivr@127.0.0.1:5999/calls")
    write_call(away, "call-1")
    wait_until(lambda: away.health.spooled > 0, "the call is in the spool")
    away.close()
    log = open_log(sqlite_url, is_ready=True)
    wait_until(lambda: log.health.state == "ok" and log.health.spooled == 0, "the spool is written")
    log.close()
    with CallRepository(sqlite_url) as repository:
        assert [call.id for call in repository.last(5)] == ["call-1"]


def test_a_database_that_is_away_is_left_to_the_workers(tmp_path: Path) -> None:
    assert not make_ready(settings("postgresql+psycopg://ivr@127.0.0.1:5999/calls", tmp_path), ["host/1"])
