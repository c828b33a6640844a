"""The process that writes the records of all workers: started when it is wanted and when it died, ended at the end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sqlite3
import sys
import threading
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from ivr.config import DatabaseSettings
from ivr.errors import ConfigError
from ivr.storage.call_log import DatabaseCallLog
from ivr.storage.calls import CallRepository
from ivr.storage.remote_database import WORKER_COMMAND
from ivr.supervisor import database
from ivr.supervisor.database import SharedDatabase
from tests.storage.helpers import is_running
from tests.storage.records import write_call
from tests.waiting import wait_until

pytestmark = pytest.mark.adapter

WORKERS = 3


@contextmanager
def owned(folder: Path, command: Sequence[str] = WORKER_COMMAND) -> Iterator[SharedDatabase]:
    """As the supervisor has it, on a loop of its own, so that workers can be tried as in their processes: blocking."""
    folder.mkdir(parents=True, exist_ok=True)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def do(work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, loop).result(20)

    async def begin() -> None:
        shared.open()

    shared = SharedDatabase(folder, command)
    try:
        do(begin())
        yield shared
    finally:
        do(shared.close())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/new/folder/calls.db"


@pytest.fixture
def logs(url: str, tmp_path: Path) -> Iterator[list[DatabaseCallLog]]:
    """Of workers whose database is ready, and which begin with their first call."""
    settings = DatabaseSettings(url=url, spool_dir=str(tmp_path / "spool"))
    path = tmp_path / "run" / database.SOCKET
    made = [DatabaseCallLog(settings, f"host/w{n}", shared=path, retry_limit_s=0.5) for n in range(WORKERS)]
    yield made
    for log in made:
        log.close()


def begin(logs: list[DatabaseCallLog]) -> None:
    for log in logs:
        log.begin()
    for log in logs:
        log.start()


def calls(logs: list[DatabaseCallLog], numbers: range) -> set[str]:
    names = {(log, f"{log.worker}-{number}") for log in logs for number in numbers}
    for log, name in names:
        write_call(log, name)
    return {name for _, name in names}


def close(logs: list[DatabaseCallLog]) -> None:
    for log in logs:
        log.close()
    assert [(log.health.dropped, log.health.rejected) for log in logs] == [(0, 0)] * WORKERS


def ended(url: str) -> set[str]:
    with CallRepository(url) as repository:
        return {record.id for record in repository.last(10_000) if record.ended_at}


def written(url: str) -> dict[str, int]:
    """Steps of each call that has ended."""
    with CallRepository(url) as repository:
        return {call_id: len(repository.get(call_id).steps) for call_id in ended(url)}


def whole(names: set[str]) -> dict[str, int]:
    return dict.fromkeys(names, 3)


def caller() -> socket.socket:
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(10)
    return line


def test_one_process_is_started_by_the_first_worker_that_wants_it_and_ends_with_the_last_records(
    url: str, tmp_path: Path, logs: list[DatabaseCallLog]
) -> None:
    with capture_logs() as said, owned(tmp_path / "run") as shared:
        assert shared.path.stat().st_mode & 0o777 == 0o600
        assert shared.pid is None, "nobody has anything to write"
        begin(logs)
        process = shared.pid
        assert process is not None
        made = calls(logs, range(20))
        close(logs)
        assert shared.pid == process
    assert written(url) == whole(made)
    assert not is_running(process)
    assert not shared.path.exists()
    assert said == []


def test_killed_again_and_again_in_mid_write_it_loses_and_doubles_nothing(
    url: str, tmp_path: Path, logs: list[DatabaseCallLog], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "EARLY_S", 0.0)  # as if it had lived for a while each time
    made: set[str] = set()
    killed: set[int] = set()
    with owned(tmp_path / "run") as shared:
        begin(logs)
        for turn in range(3):
            made |= calls(logs, range(turn * 20, turn * 20 + 10))
            wait_until(lambda: shared.pid not in {None, *killed}, "a process")
            killed.add(shared.pid or 0)
            os.kill(shared.pid or 0, signal.SIGKILL)
            made |= calls(logs, range(turn * 20 + 10, turn * 20 + 20))
        wait_until(lambda: ended(url) == made, "all is written")
        close(logs)
    assert len(killed) == 3
    assert written(url) == whole(made)


def test_one_that_hangs_is_replaced_while_workers_wait_for_it(
    url: str, tmp_path: Path, logs: list[DatabaseCallLog], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "HUNG_AFTER_S", 2.5)
    with capture_logs() as said, owned(tmp_path / "run") as shared:
        begin(logs)
        hung = shared.pid
        assert hung is not None
        os.kill(hung, signal.SIGSTOP)
        made = calls(logs, range(20))
        wait_until(lambda: not is_running(hung), "the hung process is ended")
        wait_until(lambda: ended(url) == made, "all is written by another one")
        close(logs)
    assert [entry["pid"] for entry in said if entry["event"] == "database_process_hangs"] == [hung]
    assert written(url) == whole(made)


def test_records_of_the_last_calls_in_a_locked_database_wait_on_disk(
    url: str, tmp_path: Path, logs: list[DatabaseCallLog]
) -> None:
    with owned(tmp_path / "run") as shared:
        begin(logs)
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as lock:
            lock.execute("BEGIN EXCLUSIVE")
            made = calls(logs, range(5))
            for log in logs:
                log.close(0.2)
        process = shared.pid
    assert process is not None and not is_running(process)
    with owned(tmp_path / "run") as shared:
        settings = DatabaseSettings(url=url, spool_dir=str(tmp_path / "spool"))
        after = [DatabaseCallLog(settings, f"host/w{n}", shared=shared.path) for n in range(WORKERS)]
        begin(after)
        wait_until(lambda: ended(url) == made, "what waited is written")
        close(after)
    assert written(url) == whole(made)


def test_a_request_that_its_worker_gave_up_and_that_never_ends_ends_the_process(
    url: str, tmp_path: Path, logs: list[DatabaseCallLog]
) -> None:
    """Else each try of each worker would leave a thread and a connection in it for as long as the database hangs."""
    impatient = "import sys; from ivr.storage import database_worker as d; d._STUCK_S = 0.5; d.main()"
    with capture_logs() as said, owned(tmp_path / "run", [sys.executable, "-c", impatient]) as shared:
        begin(logs)
        process = shared.pid
        assert process is not None
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as lock:
            lock.execute("BEGIN EXCLUSIVE")
            with caller() as gives_up:
                gives_up.connect(str(shared.path))
                request = {"do": "close_lost", "url": url, "worker": "host/w9", "own_call_ids": []}
                gives_up.sendall(json.dumps(request).encode() + b"\n")
            wait_until(lambda: not is_running(process), "the stuck process ended")
        made = calls(logs, range(5))
        wait_until(lambda: ended(url) == made, "all is written by another one")
        assert shared.pid not in {None, process}
        close(logs)
    assert [entry["status"] for entry in said if entry["event"] == "database_process_ended"] == [1]


def test_one_that_hangs_at_the_end_is_ended(
    tmp_path: Path, logs: list[DatabaseCallLog], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "CLOSE_LIMIT_S", 0.2)
    with capture_logs() as said, owned(tmp_path / "run") as shared:
        begin(logs)
        process = shared.pid
        assert process is not None
        os.kill(process, signal.SIGSTOP)
        close(logs)
    assert not is_running(process)
    assert [entry["event"] for entry in said] == ["database_process_did_not_end"]


def test_the_next_connection_starts_it_again_after_its_rest(tmp_path: Path) -> None:
    rests = "import socket, sys; socket.socket(fileno=int(sys.argv[1])).accept()[0].sendall(b'here')"
    with capture_logs() as said, owned(tmp_path / "run", [sys.executable, "-c", rests]) as shared:
        for _ in range(2):
            with caller() as worker:
                worker.connect(str(shared.path))
                assert worker.recv(100) == b"here"
            wait_until(lambda: shared.pid is None, "it rests")
    assert said == []


def test_one_that_ends_at_once_is_started_again_later_each_time(tmp_path: Path) -> None:
    turns = tmp_path / "turns"
    fails = f"import time; open({str(turns)!r}, 'a').write(f'{{time.monotonic()}}\\n'); raise SystemExit(3)"
    with (
        capture_logs() as said,
        owned(tmp_path / "run", [sys.executable, "-S", "-c", fails]) as shared,
        caller() as worker,
    ):
        worker.connect(str(shared.path))
        wait_until(lambda: turns.exists() and len(turns.read_text().split()) == 3, "three turns")
    first_s, second_s, third_s = map(float, turns.read_text().split()[:3])
    assert second_s - first_s > 0.4 and third_s - second_s > 0.9
    assert said[0] == {**said[0], "event": "database_process_ended", "status": 3, "log_level": "error"}


def test_what_cannot_be_started_is_told_and_tried_again(tmp_path: Path) -> None:
    with capture_logs() as said, owned(tmp_path / "run", ["/nowhere/python"]) as shared, caller() as worker:
        worker.connect(str(shared.path))
        wait_until(lambda: len(said) > 1, "a second attempt")
    assert {entry["event"] for entry in said} == {"database_process_not_started"}


def test_a_socket_in_a_folder_of_any_depth_is_reached(url: str, tmp_path: Path) -> None:
    deep = tmp_path / ("long" * 30) / "run"
    settings = DatabaseSettings(url=url, spool_dir=str(tmp_path / "spool"))
    with owned(deep) as shared, DatabaseCallLog(settings, "host/w1", shared=shared.path) as log:
        write_call(log, "call-1")
    assert written(url) == {"call-1": 3}


def test_a_folder_that_cannot_be_used_is_told_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be used .*run_dir"):
        SharedDatabase(tmp_path / "nowhere").open()
