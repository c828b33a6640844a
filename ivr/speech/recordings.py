"""`ivr.ports.Recorder` on files: messages of callers in one folder, each a WAV (8 kHz, mono, 16-bit), mode 0600.

The media thread only copies frames into a queue. One thread of our own looks for speech in them and writes. A file has
its name when it is whole; until then it ends in `.part` (`ivr.speech.part_files`).

var/recordings/<call id>-<step>.wav
               <call id>-<step>-2.wav     the next one of the same step
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
import warnings
import wave
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

import structlog

from ivr.errors import MediaFailed
from ivr.flow.events import RecordingEnd
from ivr.flow.segments import RECORDING_NAME
from ivr.ports import LostRecording, RecordingDone, RecordRequest
from ivr.speech.part_files import ABOUT, PART, RATE_HZ, WHOLE, About, PartFile, recovered

FRAME_BYTES: Final = 320
WAITING_LIMIT_FRAMES: Final = 500
"""Frames of one recording that may wait for the disk: 10 s. More are lost, and counted."""
TIDY_EVERY_S: Final = 3600.0
_PART_LIMIT_S: Final = 86400.0
_DAY_S: Final = 86400.0

log = structlog.get_logger(__name__)


def path_in(folder: Path, name: str) -> Path:
    """The file of a recording. Raises MediaFailed for what is no name of one: no path leads out of the folder."""
    if not RECORDING_NAME.fullmatch(name):
        raise MediaFailed(f"{name!r} is not the name of a recording; use the variable of a `record` step")
    return folder / name


def _size_bytes(file: Path) -> int:
    """0 for one that another worker renames or removes meanwhile."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


class FileRecorder:
    """Keeps messages below one folder."""

    def __init__(self, folder: Path, *, limit_bytes: int = 500_000_000, keep_days: int = 30) -> None:
        """Nothing is touched before the first message; recordings older than `keep_days` are removed then."""
        self._folder, self._limit_bytes, self._keep_s = folder, limit_bytes, keep_days * _DAY_S
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._tidied_at_s = -TIDY_EVERY_S

    def open(
        self, request: RecordRequest, sample_rate_hz: int, report: Callable[[RecordingDone], None]
    ) -> RecordingStream:
        """Begin to record."""
        self._run()
        stream = RecordingStream(self, request, sample_rate_hz, report)
        self.post(stream.begin)
        return stream

    def drop(self, file: str) -> None:
        """Remove a recording."""
        self._run()
        self.post(lambda: self._remove(file))

    def recover(self) -> list[LostRecording]:
        """Make whole what processes that died left unfinished. Blocking."""
        return list(recovered(self._folder))

    def close(self) -> None:
        """Write what is still to be written, and end. Idempotent, blocking."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._jobs.put(None)
            thread.join(5.0)

    def _run(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="recordings", daemon=True)
            self._thread.start()

    def post(self, job: Callable[[], None]) -> None:
        """Do something on the writer's thread. Never blocks."""
        self._jobs.put(job)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except Exception:
                log.exception("recordings.failed")

    # --- on the writer's thread

    def new_file(self, call_id: str, step: str) -> Path:
        """A name that nothing has yet, in a folder with room. Raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._tidy()
        used = sum(map(_size_bytes, self._folder.iterdir()))
        if used >= self._limit_bytes:
            raise OSError(f"{self._folder} is full ({used // 1_000_000} MB); see recordings: limit_mb, keep_days")
        stem = re.sub(r"[^A-Za-z0-9_]+", "-", f"{call_id}-{step}").strip("-._")[:150] or "recording"
        number = 1
        while (file := self._folder / f"{stem}{f'-{number}' if number > 1 else ''}.wav").exists():
            number += 1
        return file

    def _tidy(self) -> None:
        now_s = time.monotonic()
        if now_s - self._tidied_at_s < TIDY_EVERY_S:
            return
        self._tidied_at_s = now_s
        for file in self._folder.iterdir():
            limit_s = {WHOLE: self._keep_s, PART: _PART_LIMIT_S, ABOUT: _PART_LIMIT_S}.get(file.suffix)
            with contextlib.suppress(OSError):
                if limit_s is not None and time.time() - file.stat().st_mtime > limit_s:
                    file.unlink()

    def _remove(self, name: str) -> None:
        path_in(self._folder, name).unlink(missing_ok=True)


class RecordingStream:
    """Implements `ivr.ports.RecordingStream`."""

    def __init__(
        self,
        recorder: FileRecorder,
        request: RecordRequest,
        sample_rate_hz: int,
        report: Callable[[RecordingDone], None],
    ) -> None:
        from ivr.speech.take import Take  # loads the detector: not in a worker that records nothing

        self._recorder, self._request, self._report = recorder, request, report
        self._sample_rate_hz = sample_rate_hz
        self._take = Take(request)
        self._given = self._taken = 0
        self.lost_frames = 0
        self._is_stopped = False
        self._is_done = False
        self._rest = b""
        self._resampling: Any = None
        self._part: PartFile | None = None

    # --- from the media thread and the loop

    def write(self, pcm: bytes) -> None:
        """Take a frame."""
        if self._is_stopped or self._is_done:
            return
        if self.is_behind:
            self.lost_frames += 1
            return
        self._given += 1
        self._recorder.post(lambda: self._frame(pcm))

    @property
    def is_behind(self) -> bool:
        """Whether so much waits for the disk that further frames are lost."""
        return self._given - self._taken >= WAITING_LIMIT_FRAMES

    def stop(self, reason: RecordingEnd) -> None:
        """That is all. Idempotent, never blocks."""
        if not self._is_stopped:
            self._is_stopped = True
            self._recorder.post(lambda: self._end(reason))

    # --- on the writer's thread

    def begin(self) -> None:
        """Make the file."""
        request = self._request
        try:
            file = self._recorder.new_file(request.call_id, request.step)
            self._part = PartFile(file, About(request.call_id, request.step, request.min_length_s))
        except OSError as error:
            self._fail(error)

    def _frame(self, pcm: bytes) -> None:
        self._taken += 1
        if self._is_done:
            return
        try:
            for frame in self._frames_of(pcm):
                for kept in self._take.add(frame):
                    self._part.write(kept)  # type: ignore[union-attr]
        except (OSError, wave.Error) as error:
            self._fail(error)
            return
        if self._take.ended is not None:
            self._end(self._take.ended)

    def _frames_of(self, pcm: bytes) -> list[bytes]:
        if self._sample_rate_hz != RATE_HZ:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                import audioop
            pcm, self._resampling = audioop.ratecv(pcm, 2, 1, self._sample_rate_hz, RATE_HZ, self._resampling)
        whole = self._rest + pcm
        end = len(whole) // FRAME_BYTES * FRAME_BYTES
        self._rest = whole[end:]
        return [whole[at : at + FRAME_BYTES] for at in range(0, end, FRAME_BYTES)]

    def _end(self, reason: RecordingEnd) -> None:
        if self._is_done:
            return
        try:
            for kept in self._take.finish(by_key=reason is RecordingEnd.STOPPED):
                self._part.write(kept)  # type: ignore[union-attr]
            file = self._keep()
        except (OSError, wave.Error) as error:
            self._fail(error)
            return
        if self.lost_frames:
            log.warning("recordings.frames_lost", call_id=self._request.call_id, count=self.lost_frames)
        self._done(reason, file, self._take.duration_s)

    def _keep(self) -> str:
        """Give the file its name; empty for one that is not worth it."""
        assert self._part is not None
        duration_s = self._take.duration_s
        if duration_s <= 0 or duration_s < self._request.min_length_s:
            self._part.drop()
            return ""
        return self._part.keep()

    def _fail(self, error: Exception) -> None:
        if self._part is not None:
            with contextlib.suppress(OSError):
                self._part.drop()
        log.error("recordings.not_kept", call_id=self._request.call_id, step=self._request.step, reason=str(error))
        self._done(RecordingEnd.FAILED, "", 0.0, str(error))

    def _done(self, reason: RecordingEnd, file: str, duration_s: float, detail: str = "") -> None:
        if not self._is_done:
            self._is_done = True
            self._report(RecordingDone(self._request.record_id, reason, file, duration_s if file else 0.0, detail))
