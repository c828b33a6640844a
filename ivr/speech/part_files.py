"""Recordings in the making, on disk: what a process that dies leaves of one is made whole by the next one that starts.

<name>.part   the audio as it comes, a WAV whose header does not know its length; locked as long as its process lives
<name>.about  which call and step it belongs to, as JSON
<name>.wav    the whole recording
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import struct
import wave
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import structlog

from ivr.ports import LostRecording

RATE_HZ: Final = 8000
BYTES_PER_S: Final = 2 * RATE_HZ
PART, ABOUT, WHOLE = ".part", ".about", ".wav"
_NEW: Final = ".new"
_BUFFER_BYTES: Final = 3200
"""A process that is killed loses at most 0.2 s of what was said."""
_HEADER: Final = struct.Struct("<4sI4s4sIHHIIHH4sI")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class About:
    """What a recording belongs to."""

    call_id: str = ""
    step: str = ""
    min_length_s: float = 0.0


class PartFile:
    """One recording in the making. Every method raises OSError, and wave.Error for what no WAV can hold."""

    def __init__(self, file: Path, about: About) -> None:
        """`file` is the name that it has when it is whole."""
        self._file, self._part, self._about = file, file.with_suffix(PART), file.with_suffix(ABOUT)
        self._about.write_text(json.dumps(asdict(about)), encoding="utf-8")
        new = file.with_suffix(_NEW)  # nobody sees the part before it is locked
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        self._raw = os.fdopen(os.open(new, flags, 0o600), "wb", buffering=_BUFFER_BYTES)
        fcntl.flock(self._raw, fcntl.LOCK_EX)
        new.rename(self._part)
        self._wav = wave.open(self._raw, "wb")  # noqa: SIM115  # closed by `_close`
        self._wav.setnchannels(1)
        self._wav.setsampwidth(2)
        self._wav.setframerate(RATE_HZ)

    def write(self, pcm: bytes) -> None:
        """Add audio."""
        self._wav.writeframesraw(pcm)

    def keep(self) -> str:
        """Give it its name, which comes back."""
        with self._raw:
            self._wav.close()  # writes the true length into the header
            self._raw.flush()
            os.fsync(self._raw.fileno())
            self._part.rename(self._file)
        self._about.unlink(missing_ok=True)
        return self._file.name

    def drop(self) -> None:
        """It is not worth keeping, or cannot be."""
        with contextlib.suppress(OSError, wave.Error):
            self._wav.close()
        with contextlib.suppress(OSError):
            self._raw.close()
        self._part.unlink(missing_ok=True)
        self._about.unlink(missing_ok=True)


# --- after the death of a process


def recovered(folder: Path) -> Iterator[LostRecording]:
    """Make whole what processes that died left in the folder; what was too short is removed."""
    for part in _parts_in(folder):
        try:
            found = _recover(part)
        except OSError as error:
            log.error("recordings.not_recovered", file=str(part), reason=error.strerror or str(error))
        else:
            if found is not None:
                yield found


def _parts_in(folder: Path) -> list[Path]:
    """Every worker looks at its start: without `glob`, which compiles its pattern."""
    try:
        return sorted(folder / name for name in os.listdir(folder) if name.endswith(PART))
    except OSError:  # nothing was ever recorded
        return []


def _recover(part: Path) -> LostRecording | None:
    try:
        descriptor = os.open(part, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:  # another process that starts was quicker
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return _made_whole(part, descriptor)
    except BlockingIOError:  # somebody is speaking
        return None
    finally:
        os.close(descriptor)


def _made_whole(part: Path, descriptor: int) -> LostRecording | None:
    found, about = os.fstat(descriptor), _about(part)
    audio_bytes = max(found.st_size - _HEADER.size, 0) // 2 * 2
    duration_s = audio_bytes / BYTES_PER_S
    if not audio_bytes or duration_s < about.min_length_s:
        part.unlink(missing_ok=True)
        part.with_suffix(ABOUT).unlink(missing_ok=True)
        return None
    os.pwrite(descriptor, _header(audio_bytes), 0)
    os.ftruncate(descriptor, _HEADER.size + audio_bytes)
    os.fsync(descriptor)
    file = part.with_suffix(WHOLE)
    part.rename(file)
    part.with_suffix(ABOUT).unlink(missing_ok=True)
    ended_at = datetime.fromtimestamp(found.st_mtime, UTC)
    return LostRecording(
        about.call_id, about.step, file.name, duration_s, ended_at - timedelta(seconds=duration_s), ended_at
    )


def _about(part: Path) -> About:
    """What can be read of it: a recording without an owner is a recording all the same."""
    try:
        return About(**json.loads(part.with_suffix(ABOUT).read_bytes()))
    except (OSError, ValueError, TypeError):
        return About()


def _header(audio_bytes: int) -> bytes:
    """RIFF header of PCM, 8 kHz, mono, 16 bit."""
    length = _HEADER.size - 8 + audio_bytes
    return _HEADER.pack(b"RIFF", length, b"WAVE", b"fmt ", 16, 1, 1, RATE_HZ, BYTES_PER_S, 2, 16, b"data", audio_bytes)
