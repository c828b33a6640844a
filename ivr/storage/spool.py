"""Records on disk while the database is away: append-only files of JSON lines, written and read back in order.

spool_dir/<worker>/lock              held while a process uses the folder
                   0000…123.jsonl    segments, named by their time of birth; the oldest is read first
                   rejected.jsonl    what a healthy database refuses for good, kept for a person to look at
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from ivr.errors import StorageError

SEGMENT_BYTES = 1_000_000
_CONTENTION_S = 1.0
"""How long a starting process may hold the lock of a folder that it adopts files from."""


class SpoolFull(Exception):
    """The spool's limit is reached."""


class Spool:
    """The spool of one worker. Used by one thread at a time (its own lock sees to it)."""

    def __init__(self, root: Path, worker: str, limit_bytes: int, segment_bytes: int = SEGMENT_BYTES) -> None:
        """Lock the worker's folder and adopt what crashed processes left in `root`. Raises StorageError."""
        self._limit_bytes = limit_bytes
        self._segment_bytes = segment_bytes
        self._guard = threading.RLock()
        self._active: Path | None = None
        self._offset_bytes = 0
        self._peeked_bytes = 0
        self._peeked_lines = 0
        try:
            root.mkdir(parents=True, exist_ok=True)
            self.worker, self._folder, self._lock = _claim(root, worker)
            self._adopt(root)
            self._segments = sorted(self._folder.glob("[0-9]*.jsonl"))
            self.count = sum(_line_count(segment) for segment in self._segments)
            self._size_bytes = sum(segment.stat().st_size for segment in self._segments)
        except OSError as error:
            raise StorageError(
                f"the spool folder {root} cannot be used: {error.strerror or error}; "
                "make it writable for the bot's user, or set database.spool_dir",
                retryable=False,
            ) from error

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits to be written."""
        return not self._segments

    def append(self, lines: Sequence[str]) -> None:
        """Add lines, safe on disk when this returns. Raises SpoolFull or OSError, and then has added none of them."""
        data = "".join(line + "\n" for line in lines).encode()
        with self._guard:
            if self._size_bytes + len(data) > self._limit_bytes:
                raise SpoolFull
            segment = self._writable_segment()
            _append_durably(segment, data)
            if segment not in self._segments:
                self._segments.append(segment)
            self._active = segment
            self._size_bytes += len(data)
            self.count += len(lines)

    def peek(self, limit: int) -> list[str]:
        """The oldest lines, up to `limit` and within one file; they stay until `discard`. Raises OSError."""
        with self._guard:
            if not self._segments:
                return []
            with self._segments[0].open("rb") as file:
                file.seek(self._offset_bytes)
                lines = [line for line, _ in zip(file, range(limit), strict=False)]
            self._peeked_bytes = sum(map(len, lines))
            self._peeked_lines = len(lines)
            return [line.decode("utf-8", "replace").rstrip("\n") for line in lines]

    def discard(self) -> None:
        """Forget what the last `peek` returned: it is in the database. Raises OSError."""
        with self._guard:
            self._offset_bytes += self._peeked_bytes
            self.count -= self._peeked_lines
            self._peeked_bytes = self._peeked_lines = 0
            size_bytes = self._segments[0].stat().st_size
            if self._offset_bytes >= size_bytes:
                segment = self._segments[0]
                segment.unlink()
                self._segments.pop(0)
                self._offset_bytes = 0
                self._size_bytes -= size_bytes
                self._active = None if segment == self._active else self._active

    def reject(self, line: str) -> None:
        """Keep a line that no database will take, where an operator can find it. Raises OSError when it cannot."""
        with self._guard:
            file = self._folder / "rejected.jsonl"
            if not file.exists() or file.stat().st_size < self._segment_bytes:
                _append_durably(file, line.encode() + b"\n")

    def close(self) -> None:
        """Release the folder; what is in it stays for the next start. Idempotent."""
        with self._guard:
            if self._lock >= 0:
                os.close(self._lock)
                self._lock = -1

    def _writable_segment(self) -> Path:
        if self._active and self._active.stat().st_size < self._segment_bytes:
            return self._active
        return self._folder / f"{time.time_ns():020d}.jsonl"

    def _adopt(self, root: Path) -> None:
        """Take over the files of folders whose process is gone."""
        for folder in root.iterdir():
            if folder == self._folder or not any(folder.glob("[0-9]*.jsonl")):
                continue
            lock = _try_lock(folder)
            if lock is not None:
                for segment in folder.glob("[0-9]*.jsonl"):
                    with contextlib.suppress(FileNotFoundError):
                        segment.rename(self._folder / segment.name)
                os.close(lock)


def _claim(root: Path, worker: str) -> tuple[str, Path, int]:
    """Lock a folder for this worker; a living process of the same name keeps its own, and we become `name#2`."""
    deadline_s = time.monotonic() + _CONTENTION_S
    number = 1
    while True:
        name = worker if number == 1 else f"{worker}#{number}"
        folder = root / quote(name, safe="")
        folder.mkdir(mode=0o700, exist_ok=True)
        lock = _try_lock(folder)
        if lock is not None:
            return name, folder, lock
        if time.monotonic() < deadline_s:
            time.sleep(0.02)
        else:
            number += 1


def _try_lock(folder: Path) -> int | None:
    """An open, locked descriptor; None while another process holds it. The lock goes with the process."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _append_durably(file: Path, data: bytes) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size_bytes = os.fstat(descriptor).st_size
        try:
            if os.write(descriptor, data) < len(data):
                raise OSError("the disk is full")
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size_bytes)  # half a batch would be read back as torn lines
            raise
    finally:
        os.close(descriptor)


def _line_count(file: Path) -> int:
    with file.open("rb") as lines:
        return sum(1 for _ in lines)
