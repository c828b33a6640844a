"""Handing a caller to a person: the pure state machine of one transfer.

Modes: `auto` dials the person as a second leg, joins the two, and then asks the caller's side to take the person's leg
over (REFER with Replaces, RFC 5589 §7.3) so that the bot leaves the media path; where that is refused the bot stays
as a bridge. `attended` joins by REFER only, `bridge` never refers, `refer` sends a blind REFER (RFC 3515).

                    ┌────────────────── target ends: outcome, caller back in the flow
    start ─► DIALING┤
       │            └ answers ─► (WHISPERING ─►) JOINED ─► (auto) REPLACING ─ accepted ─► DONE: they talk without us
       │                                          ▲  └ either side ends: DONE   │
       │                                          └────── refused, no word ─────┘
       └─ refer ─► REFERRING ─ final 2xx ─► DONE    any other final ─► outcome, caller back in the flow

Whatever the caller does, the other leg is ended at once. Everything about transitions is in TRANSITIONS; a pair that is
absent changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from ivr.flow.events import TransferOutcome

WHISPER_LIMIT_S: Final = 30.0
"""A whisper that has not ended by then is cut off: the caller is waiting."""

REPLACE_LIMIT_S: Final = 6.0
"""A REFER with Replaces that has no final word by then counts as refused: the bridge stays."""

REFER_GRACE_S: Final = 15.0
"""A blind REFER may take this much longer than the ringing time before it counts as failed."""

GONE_GRACE_S: Final = 2.0
"""The person's leg may end this long before the NOTIFY that says why (the PBX replaced it)."""


class TransferState(StrEnum):
    """Where a transfer stands."""

    NEW = "new"
    DIALING = "dialing"
    WHISPERING = "whispering"
    """The person is there and is told who is calling; the caller still hears the hold sound."""
    JOINED = "joined"
    REPLACING = "replacing"
    GONE = "gone"
    """Replacing, and the person's leg ended already: replaced, or hung up."""
    CALLER_GONE = "caller_gone"
    """Replacing, and the caller's leg ended already: moved on, or hung up."""
    REFERRING = "referring"
    DONE = "done"


# --- what happens ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TransferEvent:
    """Something happened to a transfer."""


@dataclass(frozen=True, slots=True)
class Started(TransferEvent):
    """Begin."""


@dataclass(frozen=True, slots=True)
class TargetRinging(TransferEvent):
    """The person's telephone rings."""


@dataclass(frozen=True, slots=True)
class TargetAnswered(TransferEvent):
    """The person is there."""


@dataclass(frozen=True, slots=True)
class WhisperOver(TransferEvent):
    """The person has heard the whisper, or it could not be played."""


@dataclass(frozen=True, slots=True)
class TargetEnded(TransferEvent):
    """The person's leg is over, or never came to be."""

    sip_status: int
    hangup_cause: int | None = None


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


# --- what is to be done ----------------------------------------------------------------------------------------------


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
class DialTarget(TransferCommand):
    """Call the person."""


@dataclass(frozen=True, slots=True)
class HangUpTarget(TransferCommand):
    """End (or cancel) the person's leg."""


@dataclass(frozen=True, slots=True)
class HangUpCaller(TransferCommand):
    """End the caller's leg."""


@dataclass(frozen=True, slots=True)
class Whisper(TransferCommand):
    """Tell the person who is calling."""


@dataclass(frozen=True, slots=True)
class JoinLegs(TransferCommand):
    """Connect the audio of both."""


@dataclass(frozen=True, slots=True)
class ReferReplacing(TransferCommand):
    """Ask the caller's side to take the person's leg over."""


@dataclass(frozen=True, slots=True)
class ReferBlind(TransferCommand):
    """Ask the caller's side to call the target itself."""


@dataclass(frozen=True, slots=True)
class SetTimer(TransferCommand):
    """Start the one timer, or stop it (None)."""

    after_s: float | None


@dataclass(frozen=True, slots=True)
class Report(TransferCommand):
    """The transfer is over; the last command of every transfer."""

    outcome: TransferOutcome
    detail: str = ""
    ended_by: str = ""
    """For a finished talk: caller or agent; empty when it goes on without us."""


@dataclass(frozen=True, slots=True)
class TransferMachine:
    """State of one transfer."""

    mode: str
    ring_for_s: float
    state: TransferState = TransferState.NEW
    is_ringing: bool = False
    was_accepted: bool = False
    """A REFER was taken on: provisional news of it came."""
    has_whisper: bool = False


Step = tuple[TransferMachine, tuple[TransferCommand, ...]]
_Rule = Callable[[TransferMachine, TransferEvent], Step]


def advance(machine: TransferMachine, event: TransferEvent) -> Step:
    """The next state and what is to be done. Total: a pair without a rule changes nothing."""
    rule = TRANSITIONS.get((machine.state, type(event)))
    return rule(machine, event) if rule else (machine, ())


# --- outcomes --------------------------------------------------------------------------------------------------------

_BY_CAUSE: Final[Mapping[int, TransferOutcome]] = {
    1: TransferOutcome.UNKNOWN,  # unallocated number
    3: TransferOutcome.UNREACHABLE,  # no route to destination
    17: TransferOutcome.BUSY,
    18: TransferOutcome.NO_ANSWER,  # no user responding
    19: TransferOutcome.NO_ANSWER,  # no answer, user alerted
    20: TransferOutcome.UNREACHABLE,  # subscriber absent
    21: TransferOutcome.REFUSED,  # call rejected
    27: TransferOutcome.UNREACHABLE,  # destination out of order
    28: TransferOutcome.UNKNOWN,  # invalid number format
    34: TransferOutcome.UNREACHABLE,  # no circuit available
    38: TransferOutcome.UNREACHABLE,  # network out of order
    42: TransferOutcome.UNREACHABLE,  # congestion
}
"""ITU-T Q.850 causes of a Reason header (RFC 3326), which say more than the status that a PBX made of them."""

_BY_STATUS: Final[Mapping[int, TransferOutcome]] = {
    404: TransferOutcome.UNKNOWN,
    410: TransferOutcome.UNKNOWN,
    416: TransferOutcome.UNKNOWN,
    484: TransferOutcome.UNKNOWN,
    604: TransferOutcome.UNKNOWN,
    486: TransferOutcome.BUSY,
    600: TransferOutcome.BUSY,
    480: TransferOutcome.NO_ANSWER,
    487: TransferOutcome.NO_ANSWER,
    401: TransferOutcome.REFUSED,
    403: TransferOutcome.REFUSED,
    405: TransferOutcome.REFUSED,
    407: TransferOutcome.REFUSED,
    488: TransferOutcome.REFUSED,
    501: TransferOutcome.REFUSED,
    603: TransferOutcome.REFUSED,
    606: TransferOutcome.REFUSED,
    500: TransferOutcome.UNREACHABLE,
    502: TransferOutcome.UNREACHABLE,
    503: TransferOutcome.UNREACHABLE,
    504: TransferOutcome.UNREACHABLE,
}
"""RFC 3261 §21 final statuses; 480 is "not available now", which for a caller is an unanswered telephone."""


def outcome_of(sip_status: int, hangup_cause: int | None = None, *, was_ringing: bool = False) -> TransferOutcome:
    """What a failed leg means. 408 is silence: of the person when it rang, of the host when it never did."""
    if hangup_cause is not None and hangup_cause in _BY_CAUSE:
        return _BY_CAUSE[hangup_cause]
    if sip_status == 408:
        return TransferOutcome.NO_ANSWER if was_ringing else TransferOutcome.UNREACHABLE
    return _BY_STATUS.get(sip_status, TransferOutcome.FAILED)


# --- rules -----------------------------------------------------------------------------------------------------------


def _to(machine: TransferMachine, state: TransferState, *commands: TransferCommand) -> Step:
    return replace(machine, state=state), commands


def _over(machine: TransferMachine, *commands: TransferCommand) -> Step:
    return _to(machine, TransferState.DONE, SetTimer(None), *commands)


def _start(machine: TransferMachine, event: TransferEvent) -> Step:
    if machine.mode == "refer":
        limit_s = machine.ring_for_s + REFER_GRACE_S
        return _to(machine, TransferState.REFERRING, SetTimer(limit_s), ReferBlind())
    return _to(machine, TransferState.DIALING, Hold(), SetTimer(machine.ring_for_s), DialTarget())


def _ringing(machine: TransferMachine, event: TransferEvent) -> Step:
    return replace(machine, is_ringing=True), ()


def _answered(machine: TransferMachine, event: TransferEvent) -> Step:
    if machine.has_whisper:
        return _to(machine, TransferState.WHISPERING, SetTimer(WHISPER_LIMIT_S), Whisper())
    return _introduced(machine, event)


def _introduced(machine: TransferMachine, event: TransferEvent) -> Step:
    if machine.mode == "attended":
        return _to(machine, TransferState.REPLACING, SetTimer(REPLACE_LIMIT_S), ReferReplacing())
    if machine.mode == "auto":
        limit = SetTimer(REPLACE_LIMIT_S)
        return _to(machine, TransferState.REPLACING, JoinLegs(), limit, ReferReplacing())
    return _to(machine, TransferState.JOINED, SetTimer(None), JoinLegs())


def _dial_failed(machine: TransferMachine, event: TransferEvent) -> Step:
    assert isinstance(event, TargetEnded)
    outcome = outcome_of(event.sip_status, event.hangup_cause, was_ringing=machine.is_ringing)
    return _over(machine, StopHold(), Report(outcome, f"{event.sip_status}"))


def _left_in_whisper(machine: TransferMachine, event: TransferEvent) -> Step:
    return _over(machine, StopHold(), Report(TransferOutcome.FAILED, "the person left before the transfer"))


def _rang_too_long(machine: TransferMachine, event: TransferEvent) -> Step:
    outcome = TransferOutcome.NO_ANSWER if machine.is_ringing else TransferOutcome.UNREACHABLE
    return _over(machine, HangUpTarget(), StopHold(), Report(outcome, "no answer in time"))


def _caller_left(machine: TransferMachine, event: TransferEvent) -> Step:
    return _over(machine, HangUpTarget(), Report(TransferOutcome.FAILED, "caller hung up", "caller"))


def _caller_left_talk(machine: TransferMachine, event: TransferEvent) -> Step:
    if _never_talked(machine):
        return _caller_left(machine, event)
    return _over(machine, HangUpTarget(), Report(TransferOutcome.CONNECTED, "bridged", "caller"))


def _never_talked(machine: TransferMachine) -> bool:
    """`attended` joins by REFER only: before that is accepted, caller and person have not met."""
    return machine.mode == "attended" and not machine.was_accepted


def _person_left_talk(machine: TransferMachine, event: TransferEvent) -> Step:
    if _never_talked(machine):
        return _left_in_whisper(machine, event)
    return _over(machine, HangUpCaller(), Report(TransferOutcome.CONNECTED, "bridged", "agent"))


def _replace_news(machine: TransferMachine, event: TransferEvent) -> Step:
    assert isinstance(event, ReferProgress)
    if not event.is_final:
        return replace(machine, was_accepted=True), ()
    if 200 <= event.sip_status < 300:
        return _over(machine, HangUpCaller(), HangUpTarget(), Report(TransferOutcome.CONNECTED, "replaced"))
    return _replace_refused(machine, event)


def _replace_refused(machine: TransferMachine, event: TransferEvent) -> Step:
    if machine.mode == "attended":
        refused = Report(TransferOutcome.REFUSED, "the caller's side refused the transfer")
        return _over(machine, HangUpTarget(), StopHold(), refused)
    return _to(machine, TransferState.JOINED, SetTimer(None))


def _target_gone(machine: TransferMachine, event: TransferEvent) -> Step:
    return _to(machine, TransferState.GONE, SetTimer(GONE_GRACE_S))


def _gone_news(machine: TransferMachine, event: TransferEvent) -> Step:
    assert isinstance(event, ReferProgress)
    if not event.is_final:
        return replace(machine, was_accepted=True), ()
    if 200 <= event.sip_status < 300:
        return _over(machine, HangUpCaller(), Report(TransferOutcome.CONNECTED, "replaced"))
    return _person_left_talk(machine, event)


def _caller_gone(machine: TransferMachine, event: TransferEvent) -> Step:
    if machine.was_accepted:
        return _to(machine, TransferState.CALLER_GONE, SetTimer(GONE_GRACE_S))
    return _caller_left_talk(machine, event)


def _taken_over(machine: TransferMachine, event: TransferEvent) -> Step:
    return _over(machine, Report(TransferOutcome.CONNECTED, "replaced"))


def _caller_taken(machine: TransferMachine, event: TransferEvent) -> Step:
    """Both of our legs ended during the replacement: it worked when it had been accepted, else the caller left."""
    if machine.was_accepted:
        return _over(machine, Report(TransferOutcome.CONNECTED, "replaced"))
    return _caller_left_talk(machine, event)


def _blind_news(machine: TransferMachine, event: TransferEvent) -> Step:
    assert isinstance(event, ReferProgress)
    if not event.is_final:
        return replace(machine, was_accepted=True, is_ringing=machine.is_ringing or event.sip_status in (180, 183)), ()
    if 200 <= event.sip_status < 300:
        return _over(machine, HangUpCaller(), Report(TransferOutcome.CONNECTED, "referred"))
    if machine.was_accepted and event.sip_status == 503:
        # A PBX that took the caller and failed to reach the target says 503 and keeps an empty leg to us.
        return _over(
            machine, HangUpCaller(), Report(TransferOutcome.CONNECTED, "the PBX has the caller; target failed")
        )
    outcome = outcome_of(event.sip_status, was_ringing=machine.is_ringing)
    if not machine.was_accepted and outcome is TransferOutcome.FAILED:
        outcome = TransferOutcome.REFUSED
    return _over(machine, Report(outcome, f"{event.sip_status}"))


def _blind_silent(machine: TransferMachine, event: TransferEvent) -> Step:
    return _over(machine, Report(TransferOutcome.FAILED, "no news of the REFER"))


def _blind_caller_left(machine: TransferMachine, event: TransferEvent) -> Step:
    """The caller's side ended our leg: with the REFER accepted it moved on, else it hung up."""
    if machine.was_accepted:
        return _over(machine, Report(TransferOutcome.CONNECTED, "referred"))
    return _over(machine, Report(TransferOutcome.FAILED, "caller hung up", "caller"))


_S = TransferState

TRANSITIONS: Final[Mapping[tuple[TransferState, type[TransferEvent]], _Rule]] = {
    (_S.NEW, Started): _start,
    (_S.NEW, CallerEnded): _caller_left,
    (_S.DIALING, TargetRinging): _ringing,
    (_S.DIALING, TargetAnswered): _answered,
    (_S.DIALING, TargetEnded): _dial_failed,
    (_S.DIALING, TimeOver): _rang_too_long,
    (_S.DIALING, CallerEnded): _caller_left,
    (_S.WHISPERING, WhisperOver): _introduced,
    (_S.WHISPERING, TimeOver): _introduced,
    (_S.WHISPERING, TargetEnded): _left_in_whisper,
    (_S.WHISPERING, CallerEnded): _caller_left,
    (_S.JOINED, TargetEnded): _person_left_talk,
    (_S.JOINED, CallerEnded): _caller_left_talk,
    (_S.REPLACING, ReferProgress): _replace_news,
    (_S.REPLACING, TimeOver): _replace_refused,
    (_S.REPLACING, TargetEnded): _target_gone,
    (_S.REPLACING, CallerEnded): _caller_gone,
    (_S.CALLER_GONE, TargetEnded): _taken_over,
    (_S.CALLER_GONE, TimeOver): _caller_left_talk,
    (_S.GONE, ReferProgress): _gone_news,
    (_S.GONE, TimeOver): _person_left_talk,
    (_S.GONE, CallerEnded): _caller_taken,
    (_S.REFERRING, ReferProgress): _blind_news,
    (_S.REFERRING, TimeOver): _blind_silent,
    (_S.REFERRING, CallerEnded): _blind_caller_left,
}
