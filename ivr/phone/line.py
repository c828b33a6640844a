"""The audio of a call in both directions: taken on the media thread, worked on by the event loop."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import Final

_LIMIT_FRAMES: Final = 6000


@dataclass(frozen=True, slots=True)
class LineFrame:
    """One frame of audio."""

    is_heard: bool
    at_s: float
    pcm: bytes


class _Tap:
    def __init__(self, frames: deque[LineFrame], *, is_heard: bool) -> None:
        self._frames, self._is_heard = frames, is_heard

    def write(self, pcm: bytes) -> None:
        """Take one frame, on the media thread."""
        self._frames.append(LineFrame(self._is_heard, time.monotonic(), pcm))


class Line:
    """Keeps the frames of both directions in the order in which the media clock moved them."""

    def __init__(self) -> None:
        self._frames: deque[LineFrame] = deque(maxlen=_LIMIT_FRAMES)
        self.heard = _Tap(self._frames, is_heard=True)
        self.sent = _Tap(self._frames, is_heard=False)

    def drain(self) -> list[LineFrame]:
        """What has come since the last time."""
        return [self._frames.popleft() for _ in range(len(self._frames))]
