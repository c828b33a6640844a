"""Word to systemd, over a real socket."""

from __future__ import annotations

import asyncio
import os
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from ivr.service_manager import ServiceManager

pytestmark = pytest.mark.unit


@pytest.fixture(params=["path", "abstract"])
def listening(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """The manager's end, and what it calls itself in the environment."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@ivr-{uuid.uuid4().hex}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name[1:] if name.startswith("@") else name)
        manager.settimeout(5)
        yield manager, name


def test_readiness_and_the_end_are_told(listening: tuple[socket.socket, str]) -> None:
    manager, name = listening
    told = ServiceManager({"NOTIFY_SOCKET": name})
    told.ready("answering at sip:127.0.0.1")
    assert manager.recv(1000) == b"READY=1\nSTATUS=answering at sip:127.0.0.1"
    told.stopping()
    assert manager.recv(1000) == b"STOPPING=1"


def test_a_watchdog_gets_two_signs_of_life_in_the_time_that_it_waits(listening: tuple[socket.socket, str]) -> None:
    manager, name = listening
    told = ServiceManager({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "40000", "WATCHDOG_PID": str(os.getpid())})

    async def live_for_a_while() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(told.keep_alive(), 0.07)

    asyncio.run(live_for_a_while())
    assert [manager.recv(1000) for _ in range(3)] == [b"WATCHDOG=1"] * 3


@pytest.mark.parametrize(
    "environ", [{}, {"NOTIFY_SOCKET": "/gone"}, {"NOTIFY_SOCKET": "/gone", "WATCHDOG_USEC": "9", "WATCHDOG_PID": "1"}]
)
def test_nobody_who_listens_or_watches_is_no_trouble(environ: dict[str, str]) -> None:
    told = ServiceManager(environ)
    told.ready("here")
    asyncio.run(asyncio.wait_for(told.keep_alive(), 1))
    told.stopping()


def test_helper_processes_do_not_inherit_the_socket(tmp_path: Path) -> None:
    environ = {"NOTIFY_SOCKET": "/gone", "WATCHDOG_USEC": "9", "WATCHDOG_PID": "1", "HOME": "/root"}
    ServiceManager(environ)
    assert environ == {"HOME": "/root"}
