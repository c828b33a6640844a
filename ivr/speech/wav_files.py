"""WAV files as such, without arithmetic: what a process can do that has not loaded the libraries for samples."""

from __future__ import annotations

import math
import wave
from array import array
from pathlib import Path

from ivr.errors import MediaFailed
from ivr.ports import Tone

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


def tone_pcm16(tone: Tone, sample_rate_hz: int) -> bytes:
    """A plain tone of -12 dBFS peak; its ends are rounded, so that it does not click."""
    count, edge = round(tone.duration_s * sample_rate_hz), round(0.01 * sample_rate_hz)
    step = 2 * math.pi * tone.frequency_hz / sample_rate_hz
    levels = (8192 * min(1.0, i / edge, (count - 1 - i) / edge) for i in range(count))
    return array("h", (round(level * math.sin(step * i)) for i, level in enumerate(levels))).tobytes()


def is_whole_wav(path: Path) -> bool:
    """Whether the file is a WAV that holds as much audio as its header says, and some."""
    try:
        with wave.open(str(path), "rb") as file:
            length_bytes = file.getnframes() * file.getnchannels() * file.getsampwidth()
            return 0 < length_bytes <= path.stat().st_size - 44
    except (wave.Error, EOFError, OSError):
        return False


def mend_streamed_wav(path: Path) -> None:
    """Write the true sizes into a WAV whose writer could not know them, because it went through a pipe.

    Does nothing to what is no such file; `is_whole_wav` tells then.
    """
    with path.open("r+b") as file:
        head = file.read(4096)
        place = head.find(b"data")
        if head[:4] != b"RIFF" or place < 0:
            return
        size_bytes = path.stat().st_size
        for offset, size in ((4, size_bytes - 8), (place + 4, size_bytes - place - 8)):
            file.seek(offset)
            file.write(size.to_bytes(4, "little"))
