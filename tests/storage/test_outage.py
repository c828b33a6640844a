"""The database away at the start, killed in mid-work, locked, deleted: nothing lost, nothing doubled, nobody waits."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ivr.config import DatabaseSettings
from ivr.errors import StorageError
from ivr.storage import writer as writer_module
from ivr.storage.call_log import DatabaseCallLog
from ivr.storage.calls import CallRepository
from ivr.storage.database import parse_url, sqlite_file
from tests.storage.conftest import PASSWORD, OpenLog, PrivatePostgres
from tests.storage.helpers import helper_of, is_running
from tests.storage.records import ended, menu_step, started, write_call
from tests.waiting import wait_until

pytestmark = pytest.mark.adapter


def _steps_by_call(url: str) -> dict[str, list[int]]:
    with CallRepository(url) as repository:
        ids = [record.id for record in repository.last(10_000)]
        return {call_id: [step.sequence for step in repository.get(call_id).steps] for call_id in ids}


def _is_settled(log: DatabaseCallLog) -> bool:
    return log.health.state == "ok"


def _is_recorded(url: str, call_id: str) -> bool:
    try:
        return call_id in _steps_by_call(url)
    except StorageError:  # the file is there before its tables are
        return False


def _spool_lines(tmp_path: Path) -> list[str]:
    files = sorted((tmp_path / "spool").glob("*/[0-9]*.jsonl"))
    return [line for file in files for line in file.read_text().splitlines()]


@pytest.mark.postgres
def test_bot_starts_without_the_database_and_writes_when_it_comes(
    postgres: PrivatePostgres, open_log: OpenLog, tmp_path: Path
) -> None:
    url = postgres.create_database()
    postgres.stop()
    with capture_logs() as logs:
        log = open_log(url)
        for number in range(5):
            write_call(log, f"call-{number}")
        wait_until(lambda: log.health.spooled == 25, "25 records in the spool")
        assert log.health.state == "degraded"
        assert "refused" in log.health.problem
        warnings = [entry for entry in logs if entry["log_level"] == "warning"]
        assert [entry["event"] for entry in warnings] == ["call_log.degraded"]
        assert "start the database or correct database.url" in warnings[0]["remedy"]
        postgres.start()
        wait_until(lambda: _is_settled(log), "the spool written")
    assert PASSWORD not in repr(logs)
    assert logs[-1]["event"] == "call_log.recovered"
    assert _steps_by_call(url) == {f"call-{number}": [1, 2, 3] for number in range(5)}
    assert _spool_lines(tmp_path) == []


@pytest.mark.postgres
def test_server_killed_in_mid_work_loses_and_doubles_nothing(postgres: PrivatePostgres, open_log: OpenLog) -> None:
    url = postgres.create_database()
    log = open_log(url)
    longest_s = 0.0
    for number in range(600):
        if number == 200:
            postgres.stop()
        if number == 400:
            postgres.start()
        before_s = time.perf_counter()
        write_call(log, f"call-{number:03d}")
        longest_s = max(longest_s, time.perf_counter() - before_s)
    wait_until(lambda: _is_settled(log) and not len(log._inbox), "everything written")
    log.close()
    assert _steps_by_call(url) == {f"call-{number:03d}": [1, 2, 3] for number in range(600)}
    assert (log.health.dropped, log.health.rejected) == (0, 0)
    assert longest_s < 1.0, "a caller had to wait for the database"


def test_locked_sqlite_file_is_waited_out(sqlite_url: str, open_log: OpenLog) -> None:
    log = open_log(sqlite_url)
    blocker = sqlite3.connect(str(sqlite_file_of(sqlite_url)), isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")
    write_call(log, "call-1")
    wait_until(lambda: log.health.spooled == 5, "five records in the spool")
    assert log.health.problem == "database is locked"
    blocker.execute("ROLLBACK")
    blocker.close()
    wait_until(lambda: _is_settled(log), "the spool written")
    assert _steps_by_call(sqlite_url) == {"call-1": [1, 2, 3]}


def test_deleted_sqlite_file_is_made_again(sqlite_url: str, open_log: OpenLog) -> None:
    log = open_log(sqlite_url)
    file = sqlite_file_of(sqlite_url)
    for path in file.parent.iterdir():
        path.unlink()
    write_call(log, "call-1")
    wait_until(lambda: file.exists() and _is_recorded(sqlite_url, "call-1") and _is_settled(log), "the new file")
    log.close()
    assert _steps_by_call(sqlite_url) == {"call-1": [1, 2, 3]}


def test_folder_that_cannot_be_made_degrades_only(tmp_path: Path, open_log: OpenLog) -> None:
    (tmp_path / "blocked").write_text("a file, not a folder")
    log = open_log(f"sqlite:///{tmp_path}/blocked/calls.db")
    write_call(log, "call-1")
    wait_until(lambda: log.health.spooled == 5, "five records in the spool")
    assert log.health.state == "degraded"


def test_spool_of_a_stopped_process_is_written_at_the_next_start(
    database_url: str, open_log: OpenLog, tmp_path: Path
) -> None:
    log = open_log(database_url, start=False)  # never reaches the database
    write_call(log, "call-1")
    log.close()
    assert len(_spool_lines(tmp_path)) == 5
    later = open_log(database_url)
    wait_until(lambda: _is_settled(later), "the spool written")
    assert _steps_by_call(database_url) == {"call-1": [1, 2, 3]}
    assert _spool_lines(tmp_path) == []


def _crash_while_spooling(url: str, folder: str) -> None:
    log = DatabaseCallLog(DatabaseSettings(url=url, spool_dir=folder), "host/2")
    log.start()
    for number in range(20):
        write_call(log, f"call-{number}", worker="host/2")
    wait_until(lambda: log.health.spooled == 100, "100 records in the spool")
    os.kill(os.getpid(), signal.SIGKILL)


def test_spool_of_a_killed_process_is_adopted_by_any_worker(sqlite_url: str, open_log: OpenLog, tmp_path: Path) -> None:
    (tmp_path / "new").write_text("in the way of the database's folder")
    process = multiprocessing.get_context("spawn").Process(
        target=_crash_while_spooling, args=(sqlite_url, str(tmp_path / "spool"))
    )
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    (tmp_path / "new").unlink()
    log = open_log(sqlite_url, "host/1")
    wait_until(lambda: _is_settled(log), "the spool written")
    assert _steps_by_call(sqlite_url) == {f"call-{number}": [1, 2, 3] for number in range(20)}
    assert _spool_lines(tmp_path) == []


@pytest.mark.postgres
def test_restart_of_the_server_while_nobody_calls_is_not_noticed(postgres: PrivatePostgres, open_log: OpenLog) -> None:
    url = postgres.create_database()
    log = open_log(url)
    write_call(log, "call-1")
    with CallRepository(url) as repository:
        wait_until(lambda: bool(repository.last(1) and repository.last(1)[0].ended_at), "the first call written")
    postgres.stop()
    postgres.start()
    with capture_logs() as logs:
        write_call(log, "call-2")
        log.close()
    assert logs == []
    assert _steps_by_call(url) == {"call-1": [1, 2, 3], "call-2": [1, 2, 3]}


def test_spool_written_twice_doubles_nothing(database_url: str, open_log: OpenLog, tmp_path: Path) -> None:
    """As after a crash between the transaction and the deletion of the file."""
    log = open_log(database_url, start=False)
    write_call(log, "call-1")
    log.close()
    (spooled,) = (tmp_path / "spool").glob("*/[0-9]*.jsonl")
    lines = spooled.read_bytes()
    for _ in range(2):
        spooled.write_bytes(lines)
        again = open_log(database_url)
        wait_until(lambda log=again: _is_settled(log), "the spool written")  # type: ignore[misc]
        again.close()
    assert _steps_by_call(database_url) == {"call-1": [1, 2, 3]}


def test_torn_line_costs_only_itself(sqlite_url: str, open_log: OpenLog, tmp_path: Path) -> None:
    log = open_log(sqlite_url, start=False)
    write_call(log, "call-1", steps=1)
    log.close()
    (spooled,) = (tmp_path / "spool").glob("*/[0-9]*.jsonl")
    spooled.write_bytes(spooled.read_bytes()[:-40])
    log = open_log(sqlite_url)
    wait_until(lambda: _is_settled(log), "the spool written")
    assert log.health.rejected == 1
    assert _steps_by_call(sqlite_url) == {"call-1": [1]}
    assert len((tmp_path / "spool/host%2F1/rejected.jsonl").read_text().splitlines()) == 1


def _crash_with_open_calls(url: str, folder: str, worker: str) -> None:
    log = DatabaseCallLog(DatabaseSettings(url=url, spool_dir=folder), worker)
    log.start()
    log.call_started(started("open", worker))
    log.step_done(menu_step("open"))
    write_call(log, "done", worker=worker)
    with CallRepository(url) as repository:
        wait_until(lambda: len(repository.last(5)) == 2 and bool(repository.get("done").ended_at), "both calls written")
    os.kill(os.getpid(), signal.SIGKILL)


def _crash(url: str, tmp_path: Path, worker: str) -> None:
    process = multiprocessing.get_context("spawn").Process(
        target=_crash_with_open_calls, args=(url, str(tmp_path / "spool"), worker)
    )
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL


def test_calls_of_a_dead_process_are_closed_as_lost(database_url: str, open_log: OpenLog, tmp_path: Path) -> None:
    _crash(database_url, tmp_path, "host/1")
    log = open_log(database_url, start=False)
    log.call_started(started("new", offset_s=99))  # queued before the old calls are looked at
    log.start()
    log.close()
    with CallRepository(database_url) as repository:
        lost, done, new = (repository.get(call_id) for call_id in ("open", "done", "new"))
    assert (lost.end_reason, lost.ended_by, lost.ended_at) == ("lost", "bot", lost.steps[-1].ended_at)
    assert done.end_reason == "transferred"
    assert new.ended_at is None


def test_calls_of_another_worker_stay_open(sqlite_url: str, open_log: OpenLog, tmp_path: Path) -> None:
    _crash(sqlite_url, tmp_path, "host/2")
    open_log(sqlite_url, "host/1").close()
    with CallRepository(sqlite_url) as repository:
        assert repository.get("open").ended_at is None


def test_second_process_of_the_same_name_leaves_the_calls_of_the_first_open(sqlite_url: str, open_log: OpenLog) -> None:
    first = open_log(sqlite_url)
    first.call_started(started("open", first.worker))
    with CallRepository(sqlite_url) as repository:
        wait_until(lambda: len(repository.last(1)) == 1, "the call written")
        second = open_log(sqlite_url)
        second.close()
        assert (first.worker, second.worker) == ("host/1", "host/1#2")
        assert repository.get("open").ended_at is None


def test_end_that_waited_in_the_spool_wins_over_lost(sqlite_url: str, open_log: OpenLog) -> None:
    first = open_log(sqlite_url)
    first.call_started(started())
    first.close()
    other = open_log(sqlite_url, start=False)
    other.call_ended(ended())
    other.close()
    last = open_log(sqlite_url)
    wait_until(lambda: _is_settled(last), "the spool written")
    with CallRepository(sqlite_url) as repository:
        assert repository.get("call-1").end_reason == "transferred"


def test_full_spool_and_queue_drop_new_records_and_count_them(
    tmp_path: Path, open_log: OpenLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "BATCH", 10)
    url = f"sqlite:///{tmp_path}/blocked/calls.db"
    (tmp_path / "blocked").write_text("a file, not a folder")
    log = open_log(url, queue_limit=20)
    log._spool._limit_bytes = 20_000
    for sequence in range(1, 1001):
        while len(log._inbox) >= 20 and log.health.problem.split(";")[0] != "the spool is full":
            time.sleep(0.001)
        log.step_done(menu_step(sequence=sequence))
    health = log.health
    assert sum(file.stat().st_size for file in (tmp_path / "spool").glob("*/[0-9]*.jsonl")) <= 20_000
    assert health.dropped == 1000 - health.spooled - 30  # a batch and the queue are still in memory
    (tmp_path / "blocked").unlink()
    wait_until(lambda: _is_settled(log) and not len(log._inbox), "everything kept is written")
    log.close()
    assert _steps_by_call(url) == {"call-1": list(range(1, health.spooled + 31))}


def test_record_that_no_database_takes_is_set_aside(database_url: str, open_log: OpenLog, tmp_path: Path) -> None:
    log = open_log(database_url)
    bad = started("bad")
    object.__setattr__(bad, "started_at", None)
    log.call_started(bad)
    write_call(log, "call-1")
    log.close()
    assert log.health.rejected == 1
    (kept,) = (tmp_path / "spool/host%2F1/rejected.jsonl").read_text().splitlines()
    assert json.loads(kept)["call_id"] == "bad"
    assert _steps_by_call(database_url) == {"call-1": [1, 2, 3]}


def test_texts_and_values_that_databases_dislike_are_kept_readable(database_url: str, open_log: OpenLog) -> None:
    log = open_log(database_url)
    end = ended()
    variables = {"nul": "a\x00b", "nan": float("nan"), "lone": "\ud800", "object": Path("x"), "set": {1}}
    object.__setattr__(end, "variables", variables)
    log.call_ended(end)
    log.close()
    with CallRepository(database_url) as repository:
        assert repository.get("call-1").variables == {
            "nul": "ab",
            "nan": "nan",
            "lone": "?",
            "object": "x",
            "set": [1],
        }


def test_close_returns_in_time_when_the_database_hangs(sqlite_url: str, open_log: OpenLog, tmp_path: Path) -> None:
    log = open_log(sqlite_url)
    wait_until(lambda: _is_settled(log), "the start")
    helper = helper_of(log)
    os.kill(helper, signal.SIGSTOP)
    write_call(log, "call-1")
    before_s = time.monotonic()
    log.close(0.3)
    assert time.monotonic() - before_s < 1.0
    assert {json.loads(line)["record"] for line in _spool_lines(tmp_path)} == {
        "call_started",
        "step_done",
        "call_ended",
    }
    assert not log._thread.is_alive()
    assert not is_running(helper)
    again = open_log(sqlite_url)
    wait_until(lambda: _is_settled(again), "the spool written")
    assert _steps_by_call(sqlite_url) == {"call-1": [1, 2, 3]}


def test_unusable_settings_stop_the_start(tmp_path: Path, open_log: OpenLog) -> None:
    with pytest.raises(StorageError, match="not a database address") as caught:
        open_log(f"postgresql//ivr:{PASSWORD}@host/db")
    assert PASSWORD not in str(caught.value)
    with pytest.raises(StorageError, match="'mysql', which is not supported"):
        open_log(f"mysql://ivr:{PASSWORD}@host/db")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"set database\.spool_dir"):
        DatabaseCallLog(DatabaseSettings(spool_dir=str(tmp_path / "file")), "host/1")


@pytest.mark.postgres
def test_wrong_password_is_told_without_telling_it(postgres: PrivatePostgres, open_log: OpenLog) -> None:
    url = postgres.create_database().replace(PASSWORD, "wr0ng-s3cret")
    with capture_logs() as logs:
        log = open_log(url)
    assert log.health.state == "degraded"
    assert "password authentication failed" in log.health.problem
    assert "wr0ng-s3cret" not in repr(logs) + log.health.problem + log.address
    with CallRepository(url) as repository, pytest.raises(StorageError, match="password authentication") as caught:
        repository.last(1)
    assert "wr0ng-s3cret" not in str(caught.value)


def test_secrets_in_url_options_are_masked(open_log: OpenLog) -> None:
    log = open_log(f"postgresql://ivr@127.0.0.1:1/db?password={PASSWORD}&sslpassword={PASSWORD}")
    assert PASSWORD not in log.address + log.health.problem
    assert log.address.count("***") == 2


def sqlite_file_of(url: str) -> Path:
    file = sqlite_file(parse_url(url))
    assert file is not None
    return file
