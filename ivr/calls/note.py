"""From what the engine and the legs say to the rows of the call's record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ivr.calls.quality import AudioQuality, quality_of
from ivr.flow.commands import NoteAnswer, NoteStep
from ivr.ports import (
    AnswerRecord,
    CallEnded,
    CallLog,
    CallStarted,
    Clock,
    EndedBy,
    EndReason,
    LegEnded,
    RtpStats,
    StepRecord,
)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call ended."""

    reason: EndReason
    ended_by: str
    """caller | bot | agent | network."""
    sip_status: int = 200
    hangup_cause: int | None = None
    transfer_target: str = ""
    rtp: RtpStats | None = None
    """Of the caller's audio."""

    @property
    def quality(self) -> AudioQuality | None:
        """Of the caller's audio, where there was any."""
        return quality_of(self.rtp) if self.rtp else None

    def told(self) -> dict[str, object]:
        """For the log line of the end."""
        quality = self.quality
        heard = {"rtp_loss": round(quality.loss_ratio, 5), "mos": round(quality.mos, 2)} if quality else {}
        return {"reason": self.reason, "ended_by": self.ended_by, "sip_status": self.sip_status, **heard}


_ENDINGS: Mapping[EndedBy, Ending] = {
    EndedBy.REMOTE: Ending(EndReason.CALLER_HUNG_UP, "caller"),
    EndedBy.NETWORK: Ending(EndReason.FAILED, "network"),
    EndedBy.LOCAL: Ending(EndReason.FAILED, "bot"),
}
"""What the end of the caller's leg means where nobody here asked for it."""


def ending_of(event: LegEnded, known: Ending | None, transfer_target: str = "") -> Ending:
    """How the call ended whose leg is over; `known` is what the bot, or a transfer, had ended it for before.

    `transfer_target`: whom the caller has talked to.
    """
    ending = known or _ENDINGS[event.ended_by]
    cause = event.hangup_cause if ending.hangup_cause is None else ending.hangup_cause
    return replace(
        ending, sip_status=event.sip_status, hangup_cause=cause, rtp=event.rtp, transfer_target=transfer_target
    )


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
        quality = ending.quality
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
                rtp_loss=round(quality.loss_ratio, 5) if quality else None,
                rtp_jitter_ms=round(quality.jitter_ms, 2) if quality else None,
                mos=round(quality.mos, 2) if quality else None,
                variables=dict(variables),
                tags=dict(tags or {}),
            )
        )

    def _at(self, instant_s: float) -> datetime:
        return self._zero_at + timedelta(seconds=instant_s - self._zero_s)
