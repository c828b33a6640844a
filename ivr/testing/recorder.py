"""A recorder without files: a test says how a recording ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ivr.flow.events import RecordingEnd
from ivr.ports import RecordingDone, RecordRequest


@dataclass
class MemoryRecording:
    """One recording of a `MemoryRecorder`."""

    request: RecordRequest
    report: Callable[[RecordingDone], None]
    spoken_s: float = 0.0
    """How much was said so far."""
    audio: bytearray = field(default_factory=bytearray)
    is_done: bool = False

    def write(self, pcm: bytes) -> None:
        """Take a frame."""
        self.audio += pcm

    def stop(self, reason: RecordingEnd) -> None:
        """End it; the report comes at once."""
        if self.is_done:
            return
        self.is_done = True
        is_kept = 0 < self.spoken_s >= self.request.min_length_s and reason is not RecordingEnd.FAILED
        file = f"{self.request.call_id}-{self.request.step}.wav" if is_kept else ""
        self.report(RecordingDone(self.request.record_id, reason, file, self.spoken_s if is_kept else 0.0))


@dataclass
class MemoryRecorder:
    """Implements `ivr.ports.Recorder`."""

    recordings: list[MemoryRecording] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)

    def open(
        self, request: RecordRequest, sample_rate_hz: int, report: Callable[[RecordingDone], None]
    ) -> MemoryRecording:
        """Begin to record."""
        self.recordings.append(MemoryRecording(request, report))
        return self.recordings[-1]

    def drop(self, file: str) -> None:
        """Remember what was removed."""
        self.dropped.append(file)
