"""Messages that callers were leaving when the process died: put into their calls' records, and told to the operator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import structlog

from ivr.ports import CallLog, LostRecording, StepRecord

AFTER_ALL: Final = 1_000_000
"""Sequence of the line: after all that the lost process can have written of the call, and the same when it is written
twice. A caller leaves one message at a time, so there is one such line in a call."""

log = structlog.get_logger(__name__)


def note_lost(recordings: Sequence[LostRecording], call_log: CallLog) -> None:
    """Add a line `record: recovered` to each call. What the flow would have sent on is not sent: the log says so."""
    for lost in recordings:
        log.warning(
            "recording_recovered",
            call_id=lost.call_id,
            step=lost.step,
            file=lost.file,
            duration_s=round(lost.duration_s, 1),
            remedy="the call was lost, and nothing that its flow sends was sent; pass the file on",
        )
        if lost.call_id:
            call_log.step_done(_line(lost))


def _line(lost: LostRecording) -> StepRecord:
    return StepRecord(
        call_id=lost.call_id,
        sequence=AFTER_ALL,
        step=lost.step,
        kind="record",
        started_at=lost.started_at,
        ended_at=lost.ended_at,
        attempt=1,
        outcome="recovered",
        mode="speech",
        meaning=lost.file,
        detail=f"{lost.duration_s:.1f} s, the bot's process died",
    )
