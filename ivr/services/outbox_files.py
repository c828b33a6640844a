"""Messages on disk until they are delivered: one file each, safe when written.

outbox/lock                 held while a process takes a folder
       <process>/lock       held as long as the process lives
       <process>/<id>.json  a message that waits
       failed/<id>.json     a message that was given up, for a person to look at
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

FAILED: Final = "failed"
_LOCK: Final = "lock"


class OutboxFull(OSError):
    """The outbox's limit is reached."""


class OutboxFiles:
    """The files of one process; those of processes that are gone are taken over. Blocking."""

    def __init__(self, root: Path, limit_bytes: int) -> None:
        """Claim a folder below `root`. Raises OSError."""
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._root, self._limit_bytes = root, limit_bytes
        self._folder = root / uuid.uuid4().hex
        with _locked(root / _LOCK):
            self._folder.mkdir(mode=0o700)
            self._lock = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            self._adopt()

    def _adopt(self) -> None:
        for lock in self._root.glob(f"*/{_LOCK}"):
            if lock.parent == self._folder or not _is_free(lock):
                continue
            for file in lock.parent.glob("*.json"):
                file.rename(self._folder / file.name)
            lock.unlink()
            with contextlib.suppress(OSError):
                lock.parent.rmdir()

    def read_all(self) -> dict[str, bytes]:
        """Ids and contents of everything that waits."""
        return {file.stem: file.read_bytes() for file in sorted(self._folder.glob("*.json"))}

    def write(self, message_id: str, content: bytes) -> None:
        """Keep a message; it is safe on disk when this returns. Raises OSError, OutboxFull."""
        if self._size_bytes() + len(content) > self._limit_bytes:
            raise OutboxFull(f"the outbox {self._root} is full")
        file = self._folder / f"{message_id}.json"
        draft = file.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(descriptor)
        draft.rename(file)
        _sync(self._folder)

    def remove(self, message_id: str) -> None:
        """Forget a message that was delivered. Raises OSError."""
        (self._folder / f"{message_id}.json").unlink(missing_ok=True)

    def put_aside(self, message_id: str) -> None:
        """Keep a message that was given up where an operator finds it. Raises OSError."""
        failed = self._root / FAILED
        failed.mkdir(mode=0o700, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            (self._folder / f"{message_id}.json").rename(failed / f"{message_id}.json")

    def close(self) -> None:
        """Let go of the folder; what is in it waits for the next start. Idempotent."""
        if self._lock < 0:
            return
        lock, self._lock = self._lock, -1
        with _locked(self._root / _LOCK):
            if not any(self._folder.glob("*.json")):
                with contextlib.suppress(OSError):
                    (self._folder / _LOCK).unlink()
                    self._folder.rmdir()
            os.close(lock)

    def _size_bytes(self) -> int:
        return sum(file.stat().st_size for file in self._root.glob("*/*.json"))


def is_waiting(root: Path) -> bool:
    """Whether an outbox holds messages that wait."""
    return any(file.parent.name != FAILED for file in root.glob("*/*.json"))


@contextlib.contextmanager
def _locked(file: Path) -> Iterator[None]:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_free(lock: Path) -> bool:
    """Whether the process that had the lock is gone."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
