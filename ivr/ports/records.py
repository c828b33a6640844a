"""Records of calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from ivr.immutable import immutable


class EndReason(StrEnum):
    """Why the call ended, technically."""

    CALLER_HUNG_UP = "caller_hung_up"
    BOT_HUNG_UP = "bot_hung_up"
    TRANSFERRED = "transferred"
    REJECTED = "rejected"
    FAILED = "failed"
    TOO_LONG = "too_long"
    """The call reached the longest time that the settings allow."""
    LOST = "lost"
    """The process that had the call died."""


@immutable
class CallStarted:
    """First row data of a call."""

    call_id: str
    started_at: datetime
    ani: str
    dnis: str
    account: str
    flow: str
    flow_version: str
    """Content hash."""
    sip_call_id: str
    worker: str


@immutable
class CallEnded:
    """Last row data of a call."""

    call_id: str
    answered_at: datetime | None
    ended_at: datetime
    end_reason: EndReason
    ended_by: str
    """caller | bot | agent | network."""
    sip_status: int
    hangup_cause: int | None
    transfer_target: str = ""
    rtp_loss: float | None = None
    """Share of the caller's RTP packets that did not come, 0 to 1; None without audio."""
    rtp_jitter_ms: float | None = None
    mos: float | None = None
    """Estimated quality of the caller's audio, 1 to 4.5 (`ivr.calls.quality`)."""
    variables: Mapping[str, object] = field(default_factory=dict)
    """What the flow knew at the end, sensitive values already masked."""
    tags: Mapping[str, object] = field(default_factory=dict)
    """What the flow marked the call with: name to `true` or to a value."""


@immutable
class StepRecord:
    """One thing that happened in a call: a prompt, an input, a transfer attempt. Sensitive input is already masked."""

    call_id: str
    sequence: int
    step: str
    kind: str
    """say | menu | ask | set | when | transfer | queue | hang_up | command."""
    started_at: datetime
    ended_at: datetime
    attempt: int
    outcome: str
    """match | no_match | no_input | done | confirmed | denied | the outcome of a transfer or a queue | hung_up."""
    mode: str = ""
    """dtmf | voice | mixed; empty where there was no input."""
    prompt: str = ""
    """What the caller was told, as text."""
    heard: str = ""
    """Keys or words; `***` where sensitive."""
    meaning: str = ""
    """What the flow made of it."""
    confidence: float | None = None
    detail: str = ""


@immutable
class AnswerRecord:
    """What became of one question of a survey."""

    call_id: str
    sequence: int
    """Counts the questions of all surveys of the call."""
    survey: str
    question: str
    asked_at: datetime
    outcome: str
    """answered | no_answer | skipped | opted_out | hung_up."""
    mode: str = ""
    """dtmf | voice | mixed; empty without an answer."""
    answer: object = None
    """Number, text, true or false; `***` where sensitive; None without an answer."""
    confidence: float | None = None
    """Of what was recognized; None for keys."""


class CallLog(Protocol):
    """Keeps the records. Methods return at once and never raise; what the database refuses is spooled and retried."""

    def call_started(self, call: CallStarted) -> None:
        """Open the record."""

    def step_done(self, step: StepRecord) -> None:
        """Add a step."""

    def answer_given(self, answer: AnswerRecord) -> None:
        """Add an answer of a survey."""

    def call_ended(self, call: CallEnded) -> None:
        """Close the record."""
