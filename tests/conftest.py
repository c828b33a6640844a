"""What every test must leave behind: nothing."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections.abc import Iterator
from multiprocessing.resource_tracker import ensure_running
from pathlib import Path
from typing import Any

import pytest

GRACE_S = 3.0
"""Threads that are on their way out, and sockets of a library's last packets, may take so long to go."""

_DESCRIPTORS = Path("/proc/self/fd")
_NOBODYS = ("/dev/shm/pym-", "/dev/null", "/dev/urandom", "/dev/pts/", "/dev/tty")
"""Kept by the interpreter or by multiprocessing for as long as the process lives."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--lab`: which part of the files with real calls is run; scripts/run_tests.py runs both side by side."""
    parser.addoption("--lab", choices=("all", "only", "without"), default="all", help="files that use the lab's PBX")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep whole files: their tests share bots, and a bot's port cannot be had twice."""
    wanted = config.getoption("--lab")
    if wanted != "all":
        through_lab = {item.path for item in items if "lab" in getattr(item, "fixturenames", ())}
        items[:] = [item for item in items if (item.path in through_lab) == (wanted == "only")]


def pytest_configure(config: pytest.Config) -> None:
    """Make the opt-out known."""
    os.environ.setdefault("IVR_WEB__LISTEN", "")  # many bots run side by side; what tests the desk has it elsewhere
    ensure_running()  # one helper process for all tests that start processes; it stays until the end
    config.addinivalue_line("markers", "leaves(reason): the test leaves a thread, task or descriptor behind, and why")


def pytest_collection_finish() -> None:
    """What was loaded until here stays: to look through it all for garbage would stop the telephones of a live test,
    which send from this process, for tens of milliseconds.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def leaves_nothing(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a thread, a task, a socket or a file; `@pytest.mark.leaves("why")` is the way out."""
    marker = request.node.get_closest_marker("leaves")
    if marker is not None:
        assert marker.args and str(marker.args[0]).strip(), "@pytest.mark.leaves needs a reason"
        yield
        return
    before = _open_things()
    yield
    if not _shares_engines(request.node):
        left = _left_since(before)
        assert not left, "left behind: " + ", ".join(sorted(left))


@pytest.fixture(autouse=True, scope="module")
def module_leaves_nothing() -> Iterator[None]:
    """The same for a whole file: what its tests share, such as a recognizer, is gone at its end."""
    before = _open_things()
    yield
    left = _left_since(before)
    assert not left, "left behind: " + ", ".join(sorted(left))


def _shares_engines(node: Any) -> bool:
    """Whether a test uses what lives longer than it and may start a thread or a process in it."""
    definitions = node._fixtureinfo.name2fixturedefs
    names = set(definitions) - {"module_leaves_nothing", "tmp_path_factory"}
    return any(definitions[name][-1].scope != "function" for name in names)


def _left_since(before: set[str]) -> set[str]:
    """What is new and stays, after a grace."""
    give_up_s = time.monotonic() + GRACE_S
    left = _open_things() - before
    while left and time.monotonic() < give_up_s:
        gc.collect()
        time.sleep(0.02)
        left = _open_things() - before
    return left


def _open_things() -> set[str]:
    threads = {f"thread {thread.name} ({thread.ident})" for thread in threading.enumerate() if thread.is_alive()}
    return threads | _tasks() | _descriptors()


def _tasks() -> set[str]:
    scheduled: Any = getattr(asyncio.tasks, "_scheduled_tasks", None)  # Python 3.12
    known: Any = getattr(asyncio.tasks, "_all_tasks", ()) if scheduled is None else scheduled
    return {f"task {task.get_name()} ({id(task)})" for task in list(known) if not task.done()}


def _descriptors() -> set[str]:
    found = set()
    for entry in os.listdir(_DESCRIPTORS) if _DESCRIPTORS.is_dir() else ():
        try:
            target = os.readlink(_DESCRIPTORS / entry)
        except OSError:  # the listing's own descriptor, or one that was just closed
            continue
        if not target.startswith(_NOBODYS) and not target.endswith("/fd"):
            found.add(f"descriptor {target}")
    return found
