"""The process that writes call records: killed, hung, at rest, left alone. Nothing is lost or doubled, nobody waits."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ivr.config import DatabaseSettings
from ivr.errors import StorageError
from ivr.storage import remote_database, writer
from ivr.storage.call_log import DatabaseCallLog
from ivr.storage.calls import CallRepository
from tests.storage.conftest import PASSWORD, OpenLog, PrivatePostgres
from tests.storage.helpers import helper_of, is_running, niceness, wait_for_rest
from tests.storage.records import ended, menu_step, started, write_call
from tests.waiting import wait_until

pytestmark = pytest.mark.adapter

QUICK_REST_S = 0.2


def _steps_by_call(url: str) -> dict[str, list[int]]:
    with CallRepository(url) as repository:
        ids = [record.id for record in repository.last(10_000)]
        return {call_id: [step.sequence for step in repository.get(call_id).steps] for call_id in ids}


def _wait_written(log: DatabaseCallLog) -> None:
    wait_until(lambda: not len(log._inbox) and not log._writer.pending and log.health.state == "ok", "all written")


@pytest.fixture
def rests_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "REST_AFTER_S", QUICK_REST_S)


def test_killed_again_and_again_in_mid_work_loses_and_doubles_nothing(database_url: str, open_log: OpenLog) -> None:
    log = open_log(database_url)
    killed: set[int] = set()
    longest_s = 0.0
    for number in range(600):
        if number % 100 == 50:
            wait_until(lambda: log._database.pid not in {None, *killed}, "a helper process")
            killed.add(helper_of(log))
            os.kill(helper_of(log), signal.SIGKILL)
        before_s = time.perf_counter()
        write_call(log, f"call-{number:03d}")
        longest_s = max(longest_s, time.perf_counter() - before_s)
    _wait_written(log)
    log.close()
    assert len(killed) == 6
    assert _steps_by_call(database_url) == {f"call-{number:03d}": [1, 2, 3] for number in range(600)}
    assert (log.health.dropped, log.health.rejected) == (0, 0)
    assert longest_s < 1.0, "a caller had to wait for the helper process"


@pytest.mark.parametrize("calls", [1, 400], ids=["short", "longer than a pipe holds"])
def test_hung_it_is_ended_and_started_again(
    sqlite_url: str, open_log: OpenLog, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    log = open_log(sqlite_url)
    monkeypatch.setattr(remote_database, "REQUEST_LIMIT_S", 0.3)
    monkeypatch.setattr(remote_database, "ENTRY_LIMIT_S", 0.0)
    hung = helper_of(log)
    os.kill(hung, signal.SIGSTOP)
    with capture_logs() as logs:
        for number in range(calls):
            write_call(log, f"call-{number:03d}")
        wait_until(lambda: any(entry["event"] == "call_log.degraded" for entry in logs), "the warning")
        monkeypatch.setattr(remote_database, "REQUEST_LIMIT_S", 20.0)
        wait_until(lambda: logs[-1]["event"] == "call_log.recovered", "the recovery")
    assert not is_running(hung)
    assert "gave no answer for 0.3 s" in logs[0]["reason"]
    assert "disk of the database hangs" in logs[0]["remedy"]
    _wait_written(log)
    assert _steps_by_call(sqlite_url) == {f"call-{number:03d}": [1, 2, 3] for number in range(calls)}


@pytest.mark.usefixtures("rests_quickly")
def test_it_rests_and_wakes_without_a_word(database_url: str, open_log: OpenLog) -> None:
    with capture_logs() as logs:
        log = open_log(database_url)
        first = helper_of(log)
        wait_for_rest(log)
        wait_until(lambda: not is_running(first), "the helper process is gone")
        assert log.health.state == "ok"
        write_call(log, "call-1")
        wait_until(lambda: log._database.pid is not None, "the helper process is back")
        wait_for_rest(log)
        write_call(log, "call-2")
        log.close()
    assert logs == []
    assert _steps_by_call(database_url) == {"call-1": [1, 2, 3], "call-2": [1, 2, 3]}


@pytest.mark.usefixtures("rests_quickly")
def test_it_does_not_rest_while_there_is_a_call(sqlite_url: str, open_log: OpenLog) -> None:
    log = open_log(sqlite_url)
    log.call_started(started())
    _wait_written(log)
    helper = helper_of(log)
    time.sleep(3 * QUICK_REST_S)
    assert log._database.pid == helper
    log.call_ended(ended())
    wait_for_rest(log)


@pytest.mark.usefixtures("rests_quickly")
def test_a_database_in_memory_is_not_put_to_rest(open_log: OpenLog) -> None:
    log = open_log("sqlite://")
    write_call(log, "call-1")
    _wait_written(log)
    helper = helper_of(log)
    time.sleep(3 * QUICK_REST_S)
    assert log._database.pid == helper


def test_ended_while_nobody_calls_it_is_replaced_without_a_word(sqlite_url: str, open_log: OpenLog) -> None:
    log = open_log(sqlite_url)
    helper = helper_of(log)
    os.kill(helper, signal.SIGKILL)
    wait_until(lambda: not is_running(helper), "the helper process is gone")
    with capture_logs() as logs:
        write_call(log, "call-1")
        log.close()
    assert logs == []
    assert _steps_by_call(sqlite_url) == {"call-1": [1, 2, 3]}


def test_signals_meant_for_the_bot_do_not_end_it(sqlite_url: str, open_log: OpenLog) -> None:
    """Ctrl-C reaches the whole group, a service manager's SIGTERM all processes: the last records are still to come."""
    log = open_log(sqlite_url)
    helper = helper_of(log)
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(helper, number)
    write_call(log, "call-1")
    _wait_written(log)
    assert helper_of(log) == helper
    log.close()
    assert not is_running(helper)
    assert _steps_by_call(sqlite_url) == {"call-1": [1, 2, 3]}


def test_it_leaves_the_processor_to_the_calls(sqlite_url: str, open_log: OpenLog) -> None:
    assert niceness(helper_of(open_log(sqlite_url))) > niceness(os.getpid())


def _die_with_a_helper(url: str, folder: str, told: str) -> None:
    log = DatabaseCallLog(DatabaseSettings(url=url, spool_dir=folder), "host/2")
    log.start()
    Path(told).write_text(str(helper_of(log)))
    os.kill(os.getpid(), signal.SIGKILL)


def test_it_ends_with_the_worker(sqlite_url: str, tmp_path: Path) -> None:
    told = tmp_path / "pid"
    process = multiprocessing.get_context("spawn").Process(
        target=_die_with_a_helper, args=(sqlite_url, str(tmp_path / "spool"), str(told))
    )
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    wait_until(lambda: not is_running(int(told.read_text())), "the helper process ended")


@pytest.mark.postgres
def test_the_password_is_in_no_argument_and_no_environment(postgres: PrivatePostgres, open_log: OpenLog) -> None:
    log = open_log(postgres.create_database())
    helper = Path(f"/proc/{helper_of(log)}")
    assert log.health.state == "ok"
    assert PASSWORD.encode() not in (helper / "cmdline").read_bytes() + (helper / "environ").read_bytes()
    assert PASSWORD not in repr(log._database.address)


def test_a_process_that_cannot_be_started_is_a_database_that_is_away(
    sqlite_url: str, open_log: OpenLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_database, "WORKER_COMMAND", ("/nowhere/python",))
    log = open_log(sqlite_url)
    write_call(log, "call-1")
    wait_until(lambda: log.health.spooled == 5, "five records in the spool")
    assert "the helper process that writes call records failed" in log.health.problem


def test_a_missing_library_stops_the_start_with_a_remedy(
    sqlite_url: str, open_log: OpenLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = f"runpy.run_path({_worker_file()!r}, None, '__main__')"
    program = f"import runpy, sys; sys.modules['sqlalchemy'] = None; {run}"
    monkeypatch.setattr(remote_database, "WORKER_COMMAND", (sys.executable, "-c", program))
    with pytest.raises(StorageError, match=r"sqlalchemy.*pip install") as caught:
        open_log(sqlite_url)
    assert not caught.value.retryable


def _worker_file() -> str:
    return remote_database.WORKER_COMMAND[-1]


def test_what_a_worker_holds_of_the_call_log_knows_no_database_library() -> None:
    program = "import sys, ivr.storage.call_log; print({n.split('.')[0] for n in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "structlog" in done.stdout
    for name in ("sqlalchemy", "alembic", "psycopg", "sqlite3"):
        assert f"'{name}'" not in done.stdout


def test_a_step_is_written_by_a_process_started_for_it(
    database_url: str, open_log: OpenLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A caller who says nothing for minutes: the process is gone, and his next step starts it again."""
    monkeypatch.setattr(writer, "REST_IN_CALLS_S", QUICK_REST_S)
    log = open_log(database_url)
    log.call_started(started())
    _wait_written(log)
    wait_for_rest(log)
    log.step_done(menu_step())
    log.close()
    assert _steps_by_call(database_url) == {"call-1": [1]}
