"""A recorder without files: a test says how much is said, and when a process dies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ivr.flow.events import RecordingEnd
from ivr.ports import LostRecording, RecordingDone, RecordRequest


@dataclass
class MemoryRecording:
    """One recording of a `MemoryRecorder`."""

    request: RecordRequest
    report: Callable[[RecordingDone], None]
    file: str
    """Its name, once it is kept."""
    spoken_s: float = 0.0
    """How much was said so far."""
    audio: bytearray = field(default_factory=bytearray)
    is_done: bool = False

    def write(self, pcm: bytes) -> None:
        """Take a frame."""
        if not self.is_done:
            self.audio += pcm

    def stop(self, reason: RecordingEnd) -> None:
        """End it; the report comes at once."""
        if self.is_done:
            return
        self.is_done = True
        is_kept = self.is_worth_it and reason is not RecordingEnd.FAILED
        file, duration_s = (self.file, self.spoken_s) if is_kept else ("", 0.0)
        self.report(RecordingDone(self.request.record_id, reason, file, duration_s))

    @property
    def is_worth_it(self) -> bool:
        """Whether enough was said."""
        return 0 < self.spoken_s >= self.request.min_length_s


@dataclass
class MemoryRecorder:
    """Implements `ivr.ports.Recorder`."""

    recordings: list[MemoryRecording] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    lost: list[LostRecording] = field(default_factory=list)
    """What the next `recover` finds."""

    def open(
        self, request: RecordRequest, sample_rate_hz: int, report: Callable[[RecordingDone], None]
    ) -> MemoryRecording:
        """Begin to record."""
        number = sum(one.request.step == request.step for one in self.recordings) + 1
        name = f"{request.call_id}-{request.step}{f'-{number}' if number > 1 else ''}.wav"
        self.recordings.append(MemoryRecording(request, report, name))
        return self.recordings[-1]

    def drop(self, file: str) -> None:
        """Remember what was removed."""
        self.dropped.append(file)

    def die(self) -> None:
        """The process dies: whoever was speaking is cut off."""
        now = datetime.now(UTC)
        for cut in (one for one in self.recordings if not one.is_done):
            cut.is_done = True
            begun_at = now - timedelta(seconds=cut.spoken_s)
            if cut.is_worth_it:
                of = cut.request
                self.lost.append(LostRecording(of.call_id, of.step, cut.file, cut.spoken_s, begun_at, now))

    def recover(self) -> list[LostRecording]:
        """Each once."""
        found, self.lost = self.lost, []
        return found
