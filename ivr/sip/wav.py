"""Joins WAV files into one piece of audio that plays without a gap. Knows nothing of SIP."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ivr.errors import MediaFailed

RATES_HZ: Final = (8000, 16000)
SHORTEST_S: Final = 0.1
"""The library refuses shorter files; they are filled up with silence, loops with further rounds."""
FILE_LIMIT_BYTES: Final = 64 * 1024 * 1024
_SAMPLE_BYTES: Final = 2
_PCM: Final = 1
_EXTENSIBLE: Final = 0xFFFE


@dataclass(frozen=True, slots=True)
class Pcm:
    """Mono 16-bit little-endian samples."""

    rate_hz: int
    samples: bytes

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / _SAMPLE_BYTES / self.rate_hz


def read_wav(path: Path) -> Pcm:
    """Read a mono 16-bit WAV of 8 or 16 kHz. Raises MediaFailed with the remedy."""
    try:
        if path.stat().st_size > FILE_LIMIT_BYTES:
            raise MediaFailed(f"{path}: longer than {FILE_LIMIT_BYTES // 2**20} MB; use a shorter recording")
        raw = path.read_bytes()
    except OSError as error:
        raise MediaFailed(f"{path}: cannot be read ({error.strerror}); check that the file exists") from error
    return parse_wav(raw, str(path))


def parse_wav(raw: bytes, name: str) -> Pcm:
    """The samples of a RIFF file; a data size that is not true (streamed output) means "to the end of the file"."""
    if raw[:4] != b"RIFF" or raw[8:12] != b"WAVE":
        raise MediaFailed(f"{name}: not a WAV file; convert it to mono 16-bit WAV of 8 or 16 kHz")
    rate_hz: int | None = None
    offset = 12
    while offset + 8 <= len(raw):
        kind, size_bytes = raw[offset : offset + 4], int.from_bytes(raw[offset + 4 : offset + 8], "little")
        body = raw[offset + 8 : offset + 8 + size_bytes]
        if kind == b"fmt ":
            rate_hz = _checked_rate_hz(body, name)
        elif kind == b"data" and rate_hz:
            return Pcm(rate_hz, body[: len(body) & ~1])
        offset += 8 + size_bytes + (size_bytes & 1)
    raise MediaFailed(f"{name}: holds no audio; record or convert it again")


def _checked_rate_hz(body: bytes, name: str) -> int:
    if len(body) < 16:
        raise MediaFailed(f"{name}: damaged WAV header; convert it again")
    coding, channels, rate_hz, _, _, bits = struct.unpack("<HHIIHH", body[:16])
    if coding not in (_PCM, _EXTENSIBLE) or channels != 1 or bits != 16 or rate_hz not in RATES_HZ:
        raise MediaFailed(
            f"{name}: {channels} channel(s), {bits} bit, {rate_hz} Hz, coding {coding}; "
            "convert it to mono 16-bit PCM of 8 or 16 kHz"
        )
    return int(rate_hz)


def silence(duration_s: float, rate_hz: int) -> bytes:
    """Samples of nothing."""
    return bytes(_SAMPLE_BYTES * max(0, round(duration_s * rate_hz)))


def assemble(
    files: Sequence[Path], *, lead_in_s: float, rate_hz: int, is_loop: bool = False, from_s: float = 0.0
) -> Pcm:
    """One piece from several files: silence first, then each without a gap, the first `from_s` of them left out; a loop
    begins there, and comes round to it. Raises MediaFailed.

    Keeps the files' own rate where they agree (the library resamples while playing); else all get `rate_hz`.
    """
    parts = [read_wav(path) for path in files]
    if not any(part.samples for part in parts):
        raise MediaFailed(f"{', '.join(map(str, files)) or 'no file given'}: nothing to play; record it again")
    rates = {part.rate_hz for part in parts}
    common_hz = rates.pop() if len(rates) == 1 else rate_hz
    joined = b"".join(_at_rate(part, common_hz) for part in parts)
    cut = len(silence(from_s, common_hz))
    samples = silence(lead_in_s, common_hz) + joined[cut:]
    if is_loop:
        cut %= len(joined)
        samples = joined[cut:] + joined[:cut]
        samples *= -(-len(silence(SHORTEST_S, common_hz)) // len(samples))
    return Pcm(common_hz, samples.ljust(len(silence(SHORTEST_S, common_hz)), b"\0"))


def _at_rate(part: Pcm, rate_hz: int) -> bytes:
    if part.rate_hz == rate_hz:
        return part.samples
    import numpy
    import soxr

    resampled = soxr.resample(numpy.frombuffer(part.samples, numpy.int16), part.rate_hz, rate_hz)
    return bytes(resampled.astype(numpy.int16).tobytes())


def to_wav(pcm: Pcm) -> bytes:
    """The samples as a WAV file."""
    size_bytes = len(pcm.samples)
    byte_rate = pcm.rate_hz * _SAMPLE_BYTES
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, _PCM, 1, pcm.rate_hz, byte_rate, _SAMPLE_BYTES, 16)
    head = struct.pack("<4sI4s", b"RIFF", 36 + size_bytes, b"WAVE")
    return head + fmt + struct.pack("<4sI", b"data", size_bytes) + pcm.samples
