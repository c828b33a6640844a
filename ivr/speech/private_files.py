"""Rendered prompts that hold something confidential: kept in memory, for one use, never in the cache."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO

_MEMORY = Path("/dev/shm")
_PREFIX = "ivr-"


class PrivateFiles:
    """WAV files that only this user can read and that are gone soon. Methods may be called from any thread.

    Their folder has a file that this process holds a lock on: where nobody does, the process was killed, and the next
    one removes what it left.
    """

    def __init__(self, keep_s: float = 60.0, parent: Path | None = None) -> None:
        """`keep_s`: long enough for a file to be taken up by a player, which reads it at once."""
        self._keep_s = keep_s
        self._parent = parent or (_MEMORY if _MEMORY.is_dir() else Path(tempfile.gettempdir()))
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._lock_file: IO[bytes] | None = None
        self._files: deque[tuple[float, Path]] = deque()
        self._count = 0

    def make(self, write: Callable[[Path], None]) -> Path:
        """Let `write` make a file; those that were made long ago are removed."""
        self._remove_old()
        with self._lock:
            folder = self._folder or self._make_folder()
            self._count += 1
            path = folder / f"{self._count}.wav"
            self._files.append((time.monotonic(), path))
        write(path)
        return path

    def _make_folder(self) -> Path:
        for folder in self._parent.glob(f"{_PREFIX}*/lock"):
            _remove_if_left(folder)
        folder = self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self._parent))  # mode 0700
        self._lock_file = (folder / "lock").open("wb")
        fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return folder

    def _remove_old(self) -> None:
        with self._lock:
            while self._files and time.monotonic() - self._files[0][0] > self._keep_s:
                self._files.popleft()[1].unlink(missing_ok=True)

    def close(self) -> None:
        """Remove all. Idempotent."""
        with self._lock:
            folder, self._folder = self._folder, None
            lock_file, self._lock_file = self._lock_file, None
            self._files.clear()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        if lock_file is not None:
            lock_file.close()


def _remove_if_left(lock: Path) -> None:
    """Remove the folder of a process that is gone; one without a lock file is just being made, or not ours."""
    with contextlib.suppress(OSError), lock.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(lock.parent, ignore_errors=True)
