"""A stereo WAV of a call, written while it lasts: left what we send, right what we hear."""

from __future__ import annotations

import wave
from pathlib import Path

from ivr.errors import MediaFailed
from ivr.phone.timeline import StereoTimeline


class StereoRecording:
    """The file is a whole WAV at any moment."""

    def __init__(self, path: Path, sample_rate_hz: int) -> None:
        """Create the file. Raises MediaFailed where it cannot be written."""
        self.path = path
        self._timeline = StereoTimeline(sample_rate_hz)
        try:
            self._raw = path.open("wb")
        except OSError as error:
            raise MediaFailed(f"{path}: cannot be written ({error.strerror}); check the folder") from error
        self._file = wave.open(self._raw, "wb")  # noqa: SIM115 - open for the length of a call
        self._file.setnchannels(2)
        self._file.setsampwidth(2)
        self._file.setframerate(sample_rate_hz)
        self._file.writeframes(b"")
        self._is_closed = False

    def add(self, pcm: bytes, *, is_heard: bool) -> None:
        """Take a frame."""
        if is_heard:
            self._timeline.hear(pcm)
        else:
            self._timeline.send(pcm)

    def reach(self, at_s: float) -> None:
        """Fill up with silence to an instant after the answer."""
        self._timeline.reach(at_s)

    @property
    def duration_s(self) -> float:
        """Length so far."""
        return self._timeline.duration_s

    def flush(self) -> None:
        """Write what is settled. Raises MediaFailed (disk full)."""
        self._write(self._timeline.take())

    def close(self) -> None:
        """Write the rest. Idempotent. Raises MediaFailed."""
        if not self._is_closed:
            self._is_closed = True
            try:
                self._write(self._timeline.take(is_end=True))
            finally:
                self._file.close()
                self._raw.close()

    def _write(self, stereo: bytes) -> None:
        try:
            if stereo:
                self._file.writeframes(stereo)
        except OSError as error:
            raise MediaFailed(f"{self.path}: cannot be written ({error.strerror}); the recording ends here") from error
