"""Recordings of what callers say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from ivr.flow.events import RecordingEnd
from ivr.immutable import immutable
from ivr.ports.audio import AudioSink


@immutable
class RecordRequest:
    """What a `record` step wants to keep."""

    record_id: str
    call_id: str
    step: str
    """With the call's id, the name of the file."""
    max_length_s: float
    final_silence_s: float
    min_length_s: float
    first_input_timeout_s: float


@immutable
class RecordingDone:
    """The end of a recording."""

    record_id: str
    reason: RecordingEnd
    file: str = ""
    """Name in the folder of recordings, of a file that is whole; empty where nothing was kept."""
    duration_s: float = 0.0
    detail: str = ""


@immutable
class LostRecording:
    """A recording over which its process died, made whole again."""

    call_id: str
    """Empty where nothing tells which call it was."""
    step: str
    file: str
    """Name in the folder of recordings."""
    duration_s: float
    started_at: datetime
    ended_at: datetime
    """When the last of it was written."""


class RecordingStream(AudioSink, Protocol):
    """One recording: takes audio, ends by itself or by `stop`, and reports its end once."""

    def stop(self, reason: RecordingEnd) -> None:
        """That is all. Idempotent, never blocks."""


class Recorder(Protocol):
    """Keeps what callers say."""

    def open(
        self, request: RecordRequest, sample_rate_hz: int, report: Callable[[RecordingDone], None]
    ) -> RecordingStream:
        """Begin to record; `report` is called on the recorder's thread."""

    def drop(self, file: str) -> None:
        """Remove a recording. Never blocks."""

    def recover(self) -> list[LostRecording]:
        """Make whole what processes that died left unfinished, each once; those of living ones stay theirs. Blocking.

        What was too short for its step is removed.
        """
