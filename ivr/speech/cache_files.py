"""A folder of rendered WAV files for several processes: atomic writes, bounded size, the longest unused goes first.

A file counts as in use, and stays, while any living process has pinned it, or for `recent_s` after its last use. Pins
are a list per process, `pins/<name>`, on which the process holds a lock: a list whose lock can be taken belongs to a
process that has died, and is removed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
import uuid
from collections import ChainMap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import structlog

from ivr.errors import MediaFailed
from ivr.speech.wav_files import is_whole_wav

log = structlog.get_logger(__name__)

_TOUCH_EVERY_S = 60.0
_STALE_TEMPORARY_S = 3600.0


@dataclass(frozen=True, slots=True)
class PinnedFiles:
    """Files that a process keeps, for those that are forked from it."""

    made: str
    """Keys of those that are there, a line each: one text is lighter than a set of keys."""
    missing: str
    """Of those that are not."""
    whole: dict[str, int]
    """Key to mtime_ns of the file that was found whole."""

    @property
    def keys(self) -> frozenset[str]:
        """All of them."""
        return frozenset((self.made + self.missing).split())


class CacheFolder:
    """Files by key (hex digest). Methods may be called from any thread."""

    def __init__(self, folder: Path, limit_bytes: int, recent_s: float = 600.0) -> None:
        """Make the folder. Raises MediaFailed where that is not possible."""
        self.folder = folder
        self._limit_bytes = limit_bytes
        self._recent_s = recent_s
        self._lock = threading.RLock()
        self._pins: set[str] = set()
        self._inherited: list[PinnedFiles] = []  # shared with the process that they are from: used as they are
        self._pin_file: IO[str] | None = None
        self._whole = ChainMap[str, int]({})  # key to mtime_ns of the file that was found whole
        try:
            (folder / "pins").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MediaFailed(
                f"prompt cache {folder}: cannot be made ({error.strerror}); set speech.cache_dir to a writable folder"
            ) from error
        self._size_bytes: int | None = None  # counted with the first file that is put: others only read

    def path(self, key: str) -> Path:
        """Where the file of a key is, or would be."""
        return self.folder / key[:2] / f"{key}.wav"

    def get(self, key: str) -> Path | None:
        """The file of a key if it is there and whole; this counts as a use."""
        path = self.path(key)
        try:
            status = path.stat()
        except OSError:
            return None
        if self._whole.get(key) != status.st_mtime_ns and not is_whole_wav(path):
            log.warning("cached_prompt_damaged", file=path.name)
            path.unlink(missing_ok=True)
            return None
        self._whole[key] = self._touch(path, status.st_mtime_ns)
        return path

    def _touch(self, path: Path, mtime_ns: int) -> int:
        now_ns = time.time_ns()
        if now_ns - mtime_ns < _TOUCH_EVERY_S * 1e9:
            return mtime_ns
        with contextlib.suppress(OSError):  # removed by another process just now: the next use renders it again
            os.utime(path, ns=(now_ns, now_ns))
        return now_ns

    def put(self, key: str, write: Callable[[Path], None]) -> Path:
        """Let `write` make the file and put it in place in one step, then remove what is too much."""
        path = self.path(key)
        path.parent.mkdir(exist_ok=True)
        temporary = path.with_name(f".{key}.{uuid.uuid4().hex}.tmp")
        try:
            write(temporary)
            size_bytes = temporary.stat().st_size
            temporary.replace(path)
        except OSError as error:
            raise MediaFailed(f"prompt cache {self.folder}: cannot be written ({error.strerror})") from error
        finally:
            temporary.unlink(missing_ok=True)
        with self._lock:
            if self._size_bytes is None:
                self._size_bytes = sum(size for _, _, size in self._files())
            else:
                self._size_bytes += size_bytes
            if self._size_bytes > self._limit_bytes:
                self.evict()
        return path

    def pin(self, keys: Iterable[str]) -> None:
        """Keep these files as long as this process lives, or until they are unpinned."""
        with self._lock:
            self._pins.update(keys)
            self._write_pins()

    def unpin(self, keys: Iterable[str]) -> None:
        """Let these files go when room is needed."""
        with self._lock:
            self._pins.difference_update(keys)
            self._write_pins()

    def pinned(self) -> PinnedFiles:
        """What this process keeps."""
        with self._lock:
            keys = self._all_pins()
            made = {key for key in keys if self.path(key).exists()}
            return PinnedFiles(_lines(made), _lines(keys - made), dict(self._whole))

    def take_over(self, pinned: PinnedFiles) -> bool:
        """Keep what another process keeps, beside what is kept already. False where a file of it is gone."""
        with self._lock:
            self._inherited.append(pinned)
            self._whole = ChainMap({}, pinned.whole) if pinned.whole else self._whole
            self._write_pins()
        folder = str(self.folder)
        return all(os.path.exists(f"{folder}/{key[:2]}/{key}.wav") for key in pinned.made.split())

    def let_go(self, pinned: PinnedFiles) -> None:
        """Keep no longer what was taken over."""
        with self._lock:
            self._inherited = [each for each in self._inherited if each is not pinned]
            self._write_pins()

    def _all_pins(self) -> frozenset[str]:
        return frozenset(self._pins).union(*(each.keys for each in self._inherited))

    def _write_pins(self) -> None:
        if self._pin_file is None:
            self._pin_file = (self.folder / "pins" / f"{os.getpid()}-{uuid.uuid4().hex}").open("w", encoding="ascii")
            fcntl.flock(self._pin_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._pin_file.seek(0)
        self._pin_file.truncate()
        self._pin_file.write(_lines(self._pins))
        for each in self._inherited:
            self._pin_file.write(each.made + each.missing)
        self._pin_file.flush()

    def evict(self) -> None:
        """Remove the longest unused files, down to nine tenths of the limit; those in use stay."""
        with self._lock:
            kept = self._all_pins() | self._pins_of_others()
            files = sorted(self._files())
            self._size_bytes = sum(size for _, _, size in files)
            youngest = time.time() - self._recent_s
            for mtime_s, path, size_bytes in files:
                if self._size_bytes <= self._limit_bytes * 0.9 or mtime_s > youngest:
                    break
                if path.stem not in kept:
                    path.unlink(missing_ok=True)
                    self._size_bytes -= size_bytes

    def _pins_of_others(self) -> set[str]:
        keys: set[str] = set()
        own = self._pin_file.name if self._pin_file else ""
        for path in (self.folder / "pins").iterdir():
            if str(path) != own:
                keys |= _read_pins(path)
        return keys

    def _files(self) -> list[tuple[float, Path, int]]:
        found = []
        for path in self.folder.glob("??/*"):
            with contextlib.suppress(OSError):
                status = path.stat()
                if path.suffix == ".wav":
                    found.append((status.st_mtime, path, status.st_size))
                elif status.st_mtime < time.time() - _STALE_TEMPORARY_S:
                    path.unlink(missing_ok=True)
        return found

    def close(self) -> None:
        """Let go of the pins. Idempotent."""
        with self._lock:
            pin_file, self._pin_file = self._pin_file, None
            self._pins.clear()
            self._inherited.clear()
            if pin_file is not None:
                Path(pin_file.name).unlink(missing_ok=True)
                pin_file.close()


def _lines(keys: Iterable[str]) -> str:
    return "".join(f"{key}\n" for key in sorted(keys))


def _read_pins(path: Path) -> set[str]:
    """Keys of another process's list; the list of a dead one is removed."""
    try:
        with path.open(encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return set(file.read().split())
            path.unlink(missing_ok=True)
    except OSError:
        pass
    return set()
