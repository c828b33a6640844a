"""What a transfer asks for. The persons that are called are numbered in the order of the flow, from 0."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.flow.events import TransferOutcome


@dataclass(frozen=True, slots=True)
class TransferCommand:
    """A wish of the machine."""


@dataclass(frozen=True, slots=True)
class Hold(TransferCommand):
    """Play the hold sound to the caller."""


@dataclass(frozen=True, slots=True)
class StopHold(TransferCommand):
    """Silence for the caller, keys are for the flow again."""


@dataclass(frozen=True, slots=True)
class HangUpCaller(TransferCommand):
    """End the caller's leg."""


@dataclass(frozen=True, slots=True)
class ReferBlind(TransferCommand):
    """Ask the caller's side to call the target itself."""


@dataclass(frozen=True, slots=True)
class SetTimer(TransferCommand):
    """Start the transfer's timer, or stop it (None)."""

    after_s: float | None


@dataclass(frozen=True, slots=True)
class Report(TransferCommand):
    """The transfer is over; the last command of every transfer."""

    outcome: TransferOutcome
    detail: str = ""
    ended_by: str = ""
    """For a finished talk: caller or agent; empty when it goes on without us."""


@dataclass(frozen=True, slots=True)
class TargetCommand(TransferCommand):
    """A wish for one of the persons."""

    number: int


@dataclass(frozen=True, slots=True)
class DialTarget(TargetCommand):
    """Call the person."""


@dataclass(frozen=True, slots=True)
class LetHear(TargetCommand):
    """Let the caller hear the early media instead of the hold sound."""


@dataclass(frozen=True, slots=True)
class HangUpTarget(TargetCommand):
    """End (or cancel) the person's leg."""


@dataclass(frozen=True, slots=True)
class Whisper(TargetCommand):
    """Tell the person who is calling."""


@dataclass(frozen=True, slots=True)
class StopWhisper(TargetCommand):
    """The person has heard enough of it."""


@dataclass(frozen=True, slots=True)
class SetTargetTimer(TargetCommand):
    """Start the person's timer, or stop it (None)."""

    after_s: float | None


@dataclass(frozen=True, slots=True)
class JoinLegs(TargetCommand):
    """Connect the audio of caller and person."""


@dataclass(frozen=True, slots=True)
class ReferReplacing(TargetCommand):
    """Ask the caller's side to take the person's leg over."""
