"""From what the engine and the legs say to the rows of the call's record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ivr.flow.commands import NoteAnswer, NoteStep
from ivr.ports import AnswerRecord, CallEnded, CallLog, CallStarted, Clock, EndReason, StepRecord


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call ended."""

    reason: EndReason
    ended_by: str
    """caller | bot | agent | network."""
    sip_status: int = 200
    hangup_cause: int | None = None
    transfer_target: str = ""


class CallNotes:
    """Writes one call's record. Engine instants (monotonic) become wall-clock instants here, in one place."""

    def __init__(self, log: CallLog, clock: Clock, started: CallStarted) -> None:
        """Open the record."""
        self._log, self._clock, self._call_id = log, clock, started.call_id
        self._zero_at, self._zero_s = clock.now(), clock.monotonic_s()
        self._sequence = 0
        self._answers = 0
        self._answered_at: datetime | None = None
        self._is_closed = False
        log.call_started(started)

    def answered(self) -> None:
        """The call was answered now."""
        self._answered_at = self._answered_at or self._clock.now()

    def step(self, note: NoteStep) -> None:
        """Add a line."""
        self._sequence += 1
        self._log.step_done(
            StepRecord(
                call_id=self._call_id,
                sequence=self._sequence,
                step=note.step,
                kind=note.kind,
                started_at=self._at(note.started_at_s),
                ended_at=self._at(note.ended_at_s),
                attempt=note.attempt,
                outcome=str(note.outcome),
                mode=note.mode,
                prompt=note.prompt,
                heard=note.heard,
                meaning=note.meaning,
                confidence=note.confidence,
                detail=note.detail,
            )
        )

    def answer(self, note: NoteAnswer) -> None:
        """Add an answer of a survey."""
        self._answers += 1
        self._log.answer_given(
            AnswerRecord(
                call_id=self._call_id,
                sequence=self._answers,
                survey=note.survey,
                question=note.question,
                asked_at=self._at(note.asked_at_s),
                outcome=note.outcome,
                mode=note.mode,
                answer=note.answer,
                confidence=note.confidence,
            )
        )

    def ended(self, ending: Ending, variables: Mapping[str, object], tags: Mapping[str, object] | None = None) -> None:
        """Close the record; only the first time counts."""
        if self._is_closed:
            return
        self._is_closed = True
        self._log.call_ended(
            CallEnded(
                call_id=self._call_id,
                answered_at=self._answered_at,
                ended_at=self._clock.now(),
                end_reason=ending.reason,
                ended_by=ending.ended_by,
                sip_status=ending.sip_status,
                hangup_cause=ending.hangup_cause,
                transfer_target=ending.transfer_target,
                variables=dict(variables),
                tags=dict(tags or {}),
            )
        )

    def _at(self, instant_s: float) -> datetime:
        return self._zero_at + timedelta(seconds=instant_s - self._zero_s)
