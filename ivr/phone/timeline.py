"""Two streams of frames on one timeline: what we send on the left, what we hear on the right. Pure.

The library moves all audio of a process on one clock, a frame of each stream every 20 ms, in an order of its own. What
we hear comes with every tick; what we send comes only while something is played. A stream that begins (again) is
therefore placed where the other one is, which is right to within one frame.
"""

from __future__ import annotations

from typing import Final

SAMPLE_BYTES: Final = 2


class StereoTimeline:
    """Takes frames of both sides and gives back interleaved samples, in order and without gaps."""

    def __init__(self, sample_rate_hz: int, frame_s: float = 0.02) -> None:
        self._frame_bytes = round(sample_rate_hz * frame_s) * SAMPLE_BYTES
        self._sample_rate_hz = sample_rate_hz
        self._sent, self._heard = bytearray(), bytearray()
        self._taken_bytes = 0

    @property
    def duration_s(self) -> float:
        """Length so far."""
        longest_bytes = self._taken_bytes + max(len(self._sent), len(self._heard))
        return longest_bytes / SAMPLE_BYTES / self._sample_rate_hz

    def send(self, pcm: bytes) -> None:
        """Take a frame that we send."""
        self._fill(self._sent, len(self._heard) - self._frame_bytes)
        self._sent += pcm

    def hear(self, pcm: bytes) -> None:
        """Take a frame that we hear."""
        self._fill(self._heard, len(self._sent) - self._frame_bytes)
        self._heard += pcm

    def reach(self, at_s: float) -> None:
        """Silence on both sides up to an instant: bridges the change from one leg to another."""
        length_bytes = round(at_s * self._sample_rate_hz) * SAMPLE_BYTES - self._taken_bytes
        self._fill(self._sent, length_bytes)
        self._fill(self._heard, length_bytes)

    def take(self, *, is_end: bool = False) -> bytes:
        """Interleaved 16-bit samples (left, right) that are settled; at the end all the rest."""
        if is_end:
            settled = max(len(self._sent), len(self._heard))
        else:
            # A frame of the quiet side may still have to be placed next to the latest one of the other.
            settled = max(len(self._sent), len(self._heard)) - 2 * self._frame_bytes
        if settled <= 0:
            return b""
        self._fill(self._sent, settled)
        self._fill(self._heard, settled)
        stereo = bytearray(2 * settled)
        for offset in range(SAMPLE_BYTES):
            stereo[offset :: 2 * SAMPLE_BYTES] = self._sent[offset:settled:SAMPLE_BYTES]
            stereo[offset + SAMPLE_BYTES :: 2 * SAMPLE_BYTES] = self._heard[offset:settled:SAMPLE_BYTES]
        del self._sent[:settled], self._heard[:settled]
        self._taken_bytes += settled
        return bytes(stereo)

    @staticmethod
    def _fill(side: bytearray, length_bytes: int) -> None:
        if length_bytes > len(side):
            side.extend(bytes(length_bytes - len(side)))
