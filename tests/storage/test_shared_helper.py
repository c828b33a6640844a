"""One database process for several workers: all records are there, whatever becomes of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ivr.config import DatabaseSettings
from ivr.storage.call_log import DatabaseCallLog
from ivr.storage.calls import CallRepository
from ivr.storage.remote_database import WORKER_COMMAND
from tests.storage.records import write_call
from tests.waiting import wait_until

pytestmark = pytest.mark.adapter

WORKERS = 3
Start = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "db.sock"))
        listening.listen(128)
        yield listening


@pytest.fixture
def start(listener: socket.socket) -> Iterator[Start]:
    processes: list[subprocess.Popen[bytes]] = []

    def _start() -> subprocess.Popen[bytes]:
        descriptor = listener.fileno()
        command = (*WORKER_COMMAND, str(descriptor))
        started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, pass_fds=[descriptor])
        processes.append(started)
        return started

    yield _start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def logs(database_url: str, tmp_path: Path, listener: socket.socket) -> Iterator[list[DatabaseCallLog]]:
    settings = DatabaseSettings(url=database_url, spool_dir=str(tmp_path / "spool"))
    shared = Path(str(listener.getsockname()))
    made = [DatabaseCallLog(settings, f"host/w{n}", shared=shared, retry_limit_s=0.5) for n in range(WORKERS)]
    yield made
    for log in made:
        log.close()


def _begin(logs: list[DatabaseCallLog]) -> None:
    for log in logs:
        log.begin()
    for log in logs:
        log.start()


def _written(url: str) -> set[str]:
    with CallRepository(url) as repository:
        return {record.id for record in repository.last(10_000)}


def _calls(logs: list[DatabaseCallLog], numbers: range) -> set[str]:
    names = {(log, f"{log.worker}-{number}") for log in logs for number in numbers}
    for log, name in names:
        write_call(log, name)
    return {name for _, name in names}


def test_records_of_all_workers_are_written_by_one_process(
    database_url: str, start: Start, logs: list[DatabaseCallLog]
) -> None:
    process = start()
    _begin(logs)
    made = _calls(logs, range(20))
    for log in logs:
        log.close()
    assert _written(database_url) == made
    assert process.poll() is None, "one worker's end is not its end"


def test_killed_in_mid_work_it_loses_no_record(database_url: str, start: Start, logs: list[DatabaseCallLog]) -> None:
    first = start()
    _begin(logs)
    made = _calls(logs, range(50))
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    made |= _calls(logs, range(50, 100))
    start()
    wait_until(lambda: all(log.health.state == "ok" for log in logs), "all workers have it back")
    for log in logs:
        log.close()
    assert _written(database_url) == made
    assert [(log.health.dropped, log.health.rejected) for log in logs] == [(0, 0)] * WORKERS


def test_it_outlives_its_owner_for_the_last_records(
    database_url: str, start: Start, logs: list[DatabaseCallLog]
) -> None:
    process = start()
    _begin(logs)
    assert process.stdin is not None
    process.stdin.close()
    made = _calls(logs, range(5))
    for log in logs:
        log.close()
    assert _written(database_url) == made
