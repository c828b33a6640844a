"""WAV files as such, without arithmetic: what a process can do that has not loaded the libraries for samples."""

from __future__ import annotations

import wave
from pathlib import Path

from ivr.errors import MediaFailed

SAMPLE_BYTES = 2


def write_pcm16(path: Path, pcm: bytes, sample_rate_hz: int) -> None:
    """Write mono 16-bit little-endian samples. Raises MediaFailed."""
    try:
        with path.open("wb") as raw, wave.open(raw, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(SAMPLE_BYTES)
            file.setframerate(sample_rate_hz)
            file.writeframes(pcm)
    except OSError as error:
        raise MediaFailed(f"{path}: cannot be written ({error.strerror}); check the folder") from error


def silence_pcm16(duration_s: float, sample_rate_hz: int) -> bytes:
    """Digital silence; at least one sample."""
    return bytes(SAMPLE_BYTES * max(round(duration_s * sample_rate_hz), 1))


def is_whole_wav(path: Path) -> bool:
    """Whether the file is a WAV that holds as much audio as its header says, and some."""
    try:
        with wave.open(str(path), "rb") as file:
            length_bytes = file.getnframes() * file.getnchannels() * file.getsampwidth()
            return 0 < length_bytes <= path.stat().st_size - 44
    except (wave.Error, EOFError, OSError):
        return False
