"""Keys that come as tones in the audio (DTMF, ITU-T Q.23), for trunks that send no RFC 4733 events.

Of each 20 ms the strength of the eight tones is computed. A key counts when the strongest tone of each group stands
out, and the two are of similar strength and hold most of the sound (ITU-T Q.24), in two frames in a row; speech and
music do not. It is over after two frames without it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

_LOW_HZ: Final = (697, 770, 852, 941)
_HIGH_HZ: Final = (1209, 1336, 1477, 1633)
_KEYS: Final = ("123A", "456B", "789C", "*0#D")
_FRAME_S: Final = 0.02
_LEAST_POWER: Final = 10 ** (-36 / 10)
"""Of each tone, against full scale."""
_TWIST: Final = 10 ** (8 / 10)
"""Most that one tone may be stronger than the other, in power."""
_STANDS_OUT: Final = 10 ** (6 / 10)
"""Least that a tone is stronger than the next one of its group."""
_SHARE: Final = 0.65
"""Of all power, in the two tones."""
_FRAMES_TO_BEGIN: Final = 2
_FRAMES_TO_END: Final = 2


class KeyTones:
    """Hears the keys of one leg: an `ivr.ports.AudioSink`. `report` is called on the thread that writes."""

    chunk_ms: Final = 40

    def __init__(self, sample_rate_hz: int, report: Callable[[str], None]) -> None:
        import numpy as np  # only where keys are heard in the audio

        self._report = report
        self._size = round(sample_rate_hz * _FRAME_S)
        angles = 2 * np.pi * np.outer((*_LOW_HZ, *_HIGH_HZ), np.arange(self._size)) / sample_rate_hz
        self._waves: Any = np.exp(-1j * angles).astype(np.complex64) / self._size
        self._numpy = np
        self._rest = b""
        self._candidate = self._held = ""
        self._count = self._missing = 0

    def write(self, pcm: bytes) -> None:
        """Take audio."""
        self._rest += pcm
        whole = len(self._rest) - len(self._rest) % (2 * self._size)
        for at in range(0, whole, 2 * self._size):
            self._take(self._key_in(self._rest[at : at + 2 * self._size]))
        self._rest = self._rest[whole:]

    def _take(self, key: str) -> None:
        self._missing = 0 if key and key == self._held else self._missing + 1
        if self._missing >= _FRAMES_TO_END:
            self._held = ""
        self._count = self._count + 1 if key and key == self._candidate else int(bool(key))
        self._candidate = key
        if key and key != self._held and self._count >= _FRAMES_TO_BEGIN:
            self._held, self._missing = key, 0
            self._report(key)

    def _key_in(self, pcm: bytes) -> str:
        np = self._numpy
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32768.0
        total = float(np.dot(samples, samples)) / len(samples)
        if total < 2 * _LEAST_POWER:
            return ""
        powers = 2 * np.abs(self._waves @ samples) ** 2
        low, high = int(powers[:4].argmax()), int(powers[4:].argmax())
        low_power, high_power = float(powers[low]), float(powers[4 + high])
        second_low, second_high = float(np.sort(powers[:4])[-2]), float(np.sort(powers[4:])[-2])
        is_key = (
            min(low_power, high_power) >= _LEAST_POWER
            and max(low_power, high_power) <= _TWIST * min(low_power, high_power)
            and low_power >= _STANDS_OUT * second_low
            and high_power >= _STANDS_OUT * second_high
            and low_power + high_power >= _SHARE * total
        )
        return _KEYS[low][high] if is_key else ""
