"""What a line is sent while it is listened to, and how what it sends back is taken out again: between two threads."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

from ivr.speech.echo import EchoCanceller, EchoPath

_MOST_LINES: Final = 64


class EchoPaths:
    """What is known of the echo of each line, of the latest lines only."""

    def __init__(self) -> None:
        self._paths: OrderedDict[str, EchoPath] = OrderedDict()

    def of(self, line: str) -> EchoPath:
        """That of one line; nothing is kept of a line without name."""
        path = self._paths.pop(line, None) or EchoPath()
        if line:
            self._paths[line] = path
        if len(self._paths) > _MOST_LINES:
            self._paths.popitem(last=False)
        return path


class LineEcho:
    """`plays` and `falls_silent` come from the telephony's thread, `clean` from the recognizer's."""

    def __init__(self, sample_rate_hz: int, path: EchoPath) -> None:
        self.written = 0
        """Samples heard so far, whether they were looked at or not."""
        self._rate_hz = sample_rate_hz
        self._canceller = EchoCanceller(sample_rate_hz, path)
        self._news: deque[tuple[int, bytes, int]] = deque()
        """From which sample on what is sent, and its rate; no rate for silence."""
        self._at = 0

    def plays(self, pcm: bytes, sample_rate_hz: int) -> None:
        """This is sent from now on."""
        self._news.append((self.written, pcm, sample_rate_hz))

    def falls_silent(self) -> None:
        """Nothing is sent any more."""
        self._news.append((self.written, b"", 0))

    def clean(self, frame: bytes, gate_dbfs: Callable[[], float]) -> tuple[bytes, bool]:
        """The next frame without echo, and whether a caller may be heard in it; below the gate nothing is speech."""
        at, self._at = self._at, self._at + len(frame) // 2
        while self._news and self._news[0][0] <= at:
            self._hear_of(*self._news.popleft())
        return self._canceller.clean(at, frame, gate_dbfs()) if self._canceller.is_needed(at) else (frame, True)

    def _hear_of(self, at: int, pcm: bytes, rate_hz: int) -> None:
        if not rate_hz:
            self._canceller.stops(at)
        else:
            self._canceller.plays(_at_rate(pcm, rate_hz, self._rate_hz), at)


def _at_rate(pcm: bytes, from_hz: int, to_hz: int) -> bytes:
    if from_hz == to_hz:
        return pcm
    import numpy as np
    import soxr

    return bytes(soxr.resample(np.frombuffer(pcm, dtype="<i2"), from_hz, to_hz).astype("<i2").tobytes())
