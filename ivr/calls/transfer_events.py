"""What can happen to a transfer. The persons that are called are numbered in the order of the flow, from 0."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TransferEvent:
    """Something happened to a transfer."""


@dataclass(frozen=True, slots=True)
class Started(TransferEvent):
    """Begin."""


@dataclass(frozen=True, slots=True)
class CallerEnded(TransferEvent):
    """The caller's leg is over."""


@dataclass(frozen=True, slots=True)
class ReferProgress(TransferEvent):
    """NOTIFY, or the direct refusal of the REFER."""

    sip_status: int
    is_final: bool


@dataclass(frozen=True, slots=True)
class TimeOver(TransferEvent):
    """The transfer's timer ran out."""


@dataclass(frozen=True, slots=True)
class TalkOver(TransferEvent):
    """The flow wants the caller back: whom he was to talk with has left."""


@dataclass(frozen=True, slots=True)
class TargetEvent(TransferEvent):
    """Something happened with one of the persons."""

    number: int


@dataclass(frozen=True, slots=True)
class TargetTurn(TargetEvent):
    """It is this person's turn to be called."""


@dataclass(frozen=True, slots=True)
class TargetRinging(TargetEvent):
    """The person's telephone rings."""


@dataclass(frozen=True, slots=True)
class TargetHeard(TargetEvent):
    """Early media: what is before the person, or the person's telephone, can be heard before the answer."""


@dataclass(frozen=True, slots=True)
class TargetAnswered(TargetEvent):
    """The person is there, or something that answers instead."""


@dataclass(frozen=True, slots=True)
class TargetPressed(TargetEvent):
    """The person pressed a key."""

    digit: str


@dataclass(frozen=True, slots=True)
class WhisperOver(TargetEvent):
    """The person has heard the whisper, or it could not be played."""


@dataclass(frozen=True, slots=True)
class TargetEnded(TargetEvent):
    """The person's leg is over, or never came to be."""

    sip_status: int
    hangup_cause: int | None = None
    reason: str = ""
    """Why the bot itself could not call them."""
    had_no_leg: bool = False
    """The telephony had no leg free to call with: nobody was asked."""


@dataclass(frozen=True, slots=True)
class TargetTimeOver(TargetEvent):
    """The person's own timer ran out."""
