"""Databases for the tests: SQLite files, and a private PostgreSQL server that a test may stop and start."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ivr.config import DatabaseSettings
from ivr.storage.call_log import DatabaseCallLog
from tests.conftest import GRACE_S

PASSWORD = "geheim-s3cret"


class PrivatePostgres:
    """A PostgreSQL cluster in a temporary folder, on a free loopback port, run by `postgres` where we are root."""

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        self._folder = Path(tempfile.mkdtemp(prefix="ivr-pg-"))
        self._as_user: list[str] = []
        if os.geteuid() == 0:
            shutil.chown(self._folder, "postgres", "postgres")
            self._as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--reset-env"]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._initialize()

    def _initialize(self) -> None:
        password_file = self._folder / "password"
        password_file.write_text(PASSWORD)
        password_file.chmod(0o644)
        access = ["-U", "ivr", "-A", "scram-sha-256", f"--pwfile={password_file}"]
        self._run("initdb", "-D", self._data, "-N", "-E", "UTF8", "--no-locale", *access)

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def start(self, *, fsync: bool = False) -> None:
        durable = "on" if fsync else "off"
        options = f"-h 127.0.0.1 -p {self.port} -k {self._folder} -c fsync={durable} -c timezone=Asia/Tokyo"
        self._run("pg_ctl", "-D", self._data, "-w", "-l", str(self._folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        """Like a crash: open connections are cut, nothing is written back first."""
        self._run("pg_ctl", "-D", self._data, "-w", "-m", "immediate", "stop")

    @property
    def is_running(self) -> bool:
        status = [*self._as_user, str(self._binaries / "pg_ctl"), "-D", self._data, "status"]
        return subprocess.run(status, capture_output=True, check=False).returncode == 0

    def remove(self) -> None:
        if self.is_running:
            self.stop()
        shutil.rmtree(self._folder)

    def url(self, database: str) -> str:
        return f"postgresql://ivr:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def create_database(self) -> str:
        name = f"t_{uuid.uuid4().hex}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
        return self.url(name)

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as_user, str(self._binaries / program), *arguments]
        with (self._folder / "output").open("ab") as output:  # a pipe would stay open with the server
            done = subprocess.run(command, stdout=output, stderr=output, cwd="/", check=False, timeout=60)
        if done.returncode:
            raise RuntimeError(f"{program} failed: {(self._folder / 'output').read_text()[-2000:]}")


def _missing(what: str) -> None:
    reason = f"{what}; install it: apt-get install -y postgresql"
    if os.environ.get("IVR_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PrivatePostgres]:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not found:
        _missing("there is no PostgreSQL server under /usr/lib/postgresql")
    if getpass.getuser() == "root" and not shutil.which("setpriv"):
        _missing("setpriv (package util-linux) is needed to run PostgreSQL as root")
    server = PrivatePostgres(found[-1].parent)
    try:
        yield server
    finally:
        server.remove()


@pytest.fixture
def postgres(postgres_server: PrivatePostgres) -> PrivatePostgres:
    """The server, running, whatever the test before did to it."""
    if not postgres_server.is_running:
        postgres_server.start()
    return postgres_server


@pytest.fixture
def postgres_url(postgres: PrivatePostgres) -> str:
    return postgres.create_database()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/new/folder/calls.db"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    return str(request.getfixturevalue(name))


OpenLog = Callable[..., DatabaseCallLog]


@pytest.fixture
def open_log(tmp_path: Path) -> Iterator[OpenLog]:
    """Opens logs with a quick retry, and closes them at the end."""
    opened: list[DatabaseCallLog] = []

    def open_(
        url: str, worker: str = "host/1", *, start: bool = True, is_ready: bool = False, **options: Any
    ) -> DatabaseCallLog:
        settings = DatabaseSettings(url=url, spool_dir=str(tmp_path / "spool"))
        log = DatabaseCallLog(settings, worker, retry_limit_s=0.1, is_ready=is_ready, **options)
        opened.append(log)
        if start:
            log.start()
        return log

    yield open_
    for log in opened:
        log.close()


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(GRACE_S)  # one that is on its way out may take a moment on a busy machine
        assert not thread.is_alive(), f"{thread!r} is left behind"
