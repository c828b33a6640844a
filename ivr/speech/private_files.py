"""Rendered prompts that hold something confidential: kept in memory, for one use, never in the cache."""

from __future__ import annotations

import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

_MEMORY = Path("/dev/shm")


class PrivateFiles:
    """WAV files that only this user can read and that are gone soon. Methods may be called from any thread."""

    def __init__(self, keep_s: float = 60.0) -> None:
        """`keep_s`: long enough for a file to be taken up by a player, which reads it at once."""
        self._keep_s = keep_s
        self._lock = threading.Lock()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._files: deque[tuple[float, Path]] = deque()
        self._count = 0

    def make(self, write: Callable[[Path], None]) -> Path:
        """Let `write` make a file; those that were made long ago are removed."""
        self._remove_old()
        with self._lock:
            if self._folder is None:
                parent = _MEMORY if _MEMORY.is_dir() else None
                self._folder = tempfile.TemporaryDirectory(prefix="ivr-", dir=parent)  # mode 0700
            self._count += 1
            path = Path(self._folder.name) / f"{self._count}.wav"
            self._files.append((time.monotonic(), path))
        write(path)
        return path

    def _remove_old(self) -> None:
        with self._lock:
            while self._files and time.monotonic() - self._files[0][0] > self._keep_s:
                self._files.popleft()[1].unlink(missing_ok=True)

    def close(self) -> None:
        """Remove all. Idempotent."""
        with self._lock:
            folder, self._folder = self._folder, None
            self._files.clear()
        if folder is not None:
            folder.cleanup()
