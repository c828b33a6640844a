"""What each worker has in service, as a file for `ivr flows`: `var/flows/workers/NAME.json`.

A worker holds a lock on `NAME.lock` for as long as it lives; a state whose lock can be taken is of a worker that ended.
A file and not a socket: it needs no protocol, and a busy worker answers at once.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import structlog

from ivr.errors import Problem, Severity
from ivr.publishing.files import write_atomically

log = structlog.get_logger(__name__)

WORKERS = "workers"


@dataclass(frozen=True, slots=True)
class FlowState:
    """One flow of one worker."""

    version: str
    """In service; empty where only a newer file exists."""
    file: str
    newer: str = ""
    """Version of a file that waits to be published."""
    problems: tuple[Problem, ...] = ()
    """Why the newer file is not in service."""


@dataclass(frozen=True, slots=True)
class WorkerState:
    """What a worker is doing."""

    worker: str
    pid: int
    publish: str
    """`auto` or `manual`."""
    flows: Mapping[str, FlowState] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    """Of all files as they are now, warnings too."""
    preparing: str = ""
    """What is being rendered, for people."""


class StateFile:
    """The worker's own state, kept up to date. Trouble with the file is logged and never stops a call."""

    def __init__(self, versions_dir: Path, worker: str) -> None:
        """`worker` names the process among all that share the folder."""
        self._folder = versions_dir / WORKERS
        self._name = "".join(character if character.isalnum() else "-" for character in worker)
        self._lock: IO[str] | None = None

    def write(self, state: WorkerState, shared: str = "") -> None:
        """Replace what was said before; `shared`: by `shared_text` of this state."""
        try:
            if self._lock is None:
                self._lock = self._take_lock()
            shared = shared or shared_text(state)
            text = f'{{\n "worker": {json.dumps(state.worker)},\n "pid": {state.pid},{shared[1:]}'
            write_atomically(self._file, text.encode())
        except OSError as error:
            log.warning("state_not_written", folder=str(self._folder), reason=error.strerror)

    def close(self) -> None:
        """The worker ends: its state goes. Idempotent."""
        if self._lock is not None:
            self._file.unlink(missing_ok=True)
            self._lock_file.unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    @property
    def _file(self) -> Path:
        return self._folder / f"{self._name}.json"

    @property
    def _lock_file(self) -> Path:
        return self._folder / f"{self._name}.lock"

    def _take_lock(self) -> IO[str]:
        """A name of our own: `name`, or `name-2` beside a living one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        base, number = self._name, 1
        while True:
            lock = self._lock_file.open("w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                number += 1
                self._name = f"{base}-{number}"
                continue
            if self._lock_file.exists() and os.fstat(lock.fileno()).st_ino == self._lock_file.stat().st_ino:
                return lock
            lock.close()  # its owner ended between our opening and locking, and took the name away


def shared_text(state: WorkerState) -> str:
    """What every worker with the same flows says alike, as JSON: made once for all of them."""
    members = asdict(state)
    del members["worker"], members["pid"]
    return json.dumps(members, ensure_ascii=False, indent=1)


def living_workers(versions_dir: Path) -> list[WorkerState]:
    """The states of all workers that run now; what is left of others is removed."""
    states = []
    for file in sorted((versions_dir / WORKERS).glob("*.json")):
        try:
            if _is_alive(file.with_suffix(".lock")):
                states.append(_state(json.loads(file.read_text(encoding="utf-8"))))
            else:
                file.unlink(missing_ok=True)
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("state_not_read", file=str(file), reason=str(error))
    return states


def _is_alive(lock_file: Path) -> bool:
    try:
        with lock_file.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            lock_file.unlink(missing_ok=True)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False


def _state(data: Mapping[str, Any]) -> WorkerState:
    flows = {
        name: FlowState(**{**flow, "problems": problems_from(flow["problems"])}) for name, flow in data["flows"].items()
    }
    return WorkerState(**{**data, "flows": flows, "problems": problems_from(data["problems"])})


def problems_from(lines: Sequence[Mapping[str, Any]]) -> tuple[Problem, ...]:
    """Problems out of their JSON."""
    return tuple(Problem(**{**line, "severity": Severity(line["severity"])}) for line in lines)
