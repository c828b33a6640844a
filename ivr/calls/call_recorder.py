"""Records the caller of one call: opens the recorder, and tells the dialog what was kept."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from ivr.calls.call_ports import CallPorts
from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.ports import LegId, RecordingDone, RecordingStream, RecordRequest


class CallRecorder:
    """At most one recording at a time."""

    def __init__(
        self,
        ports: CallPorts,
        leg_id: LegId,
        call_id: str,
        feed: Callable[[e.Event], None],
        log: structlog.typing.FilteringBoundLogger,
    ) -> None:
        """`feed` takes the events, on the loop's thread."""
        self._ports, self._leg_id, self._call_id = ports, leg_id, call_id
        self._feed, self._log = feed, log
        self._stream: RecordingStream | None = None
        self._record_id = ""
        self._has_left = False

    @property
    def is_open(self) -> bool:
        """Whether something is recorded, or still being written."""
        return self._stream is not None

    def perform(self, command: c.StartRecording | c.StopRecording | c.DropRecording) -> None:
        """What the flow asks for."""
        match command:
            case c.StartRecording():
                self._start(command)
            case c.StopRecording(record_id=record_id):
                self._stop(record_id)
            case c.DropRecording(file=file):
                self._drop(file)

    def _start(self, command: c.StartRecording) -> None:
        recorder = self._ports.recorder
        if recorder is None:
            failed = e.RecordingEnd.FAILED
            self._feed(e.RecordingEnded(self._now_s(), command.record_id, failed, detail="nothing can be recorded"))
            return
        request = RecordRequest(
            record_id=command.record_id,
            call_id=self._call_id,
            step=command.step,
            max_length_s=command.max_length_s,
            final_silence_s=command.final_silence_s,
            min_length_s=command.min_length_s,
            first_input_timeout_s=command.first_input_timeout_s,
        )

        def report(done: RecordingDone) -> None:
            self._ports.call_soon(lambda: self._ended(done))

        self._record_id = command.record_id
        self._stream = recorder.open(request, self._ports.telephony.sample_rate_hz, report)
        self._ports.telephony.listen(self._leg_id, self._stream)

    def _stop(self, record_id: str) -> None:
        if self._stream is not None and record_id == self._record_id:
            self._ports.telephony.listen(self._leg_id, None)
            self._stream.stop(e.RecordingEnd.STOPPED)

    def hang_up(self) -> None:
        """The caller has left; what he said is kept, and told as `HUNG_UP`."""
        self._has_left = True
        if self._stream is not None:
            self._stream.stop(e.RecordingEnd.HUNG_UP)

    def _drop(self, file: str) -> None:
        if self._ports.recorder is not None:
            self._ports.recorder.drop(file)

    def _ended(self, done: RecordingDone) -> None:
        if done.record_id != self._record_id or self._stream is None:
            return
        self._stream = None
        if not self._has_left:
            self._ports.telephony.listen(self._leg_id, None)
        is_failed = done.reason is e.RecordingEnd.FAILED
        reason = e.RecordingEnd.HUNG_UP if self._has_left and not is_failed else done.reason
        self._log.info("recorded", reason=reason, file=done.file, duration_s=round(done.duration_s, 1))
        self._feed(e.RecordingEnded(self._now_s(), done.record_id, reason, done.file, done.duration_s, done.detail))

    def _now_s(self) -> float:
        return self._ports.clock.monotonic_s()
