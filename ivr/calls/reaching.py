"""Getting a person to the telephone: the pure state machine of one attempt.

                ┌──────────── leg ends, rang too long: OVER, with an outcome
    WAITING ─► CALLING ─ answers ─► (WHISPERING ─►) (ACCEPTING ─ key ─►) READY: to be joined with the caller
                │  ▲                     └ leg ends: OVER  └ no key in time, leg ends: OVER
                └─ NO_LEG: again in a moment, for a while

What has answered may be a voicemail: where a key is wanted, it counts as a person only when it presses that key, which
it may do while it still hears the whisper. Everything about transitions is in ATTEMPTS; a pair that is absent changes
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from ivr.calls import transfer_commands as c
from ivr.calls import transfer_events as e
from ivr.calls.transfer_outcome import outcome_of
from ivr.flow.commands import ACCEPT_KEY
from ivr.flow.events import TransferOutcome

WHISPER_LIMIT_S: Final = 30.0
"""A whisper that has not ended by then is cut off: the caller is waiting."""

LEG_RETRY_S: Final = 0.5
"""When there was no leg, it is tried again after this long ..."""

LEG_GRACE_S: Final = 2.0
"""... and no longer than this with nobody else being called. A leg that was cancelled is free only when the other side
has said so."""


class AttemptState(StrEnum):
    """Where an attempt stands."""

    WAITING = "waiting"
    CALLING = "calling"
    NO_LEG = "no_leg"
    """To be called as soon as the telephony has a leg free."""
    WHISPERING = "whispering"
    """The person is there and is told who is calling; the caller still hears the hold sound."""
    ACCEPTING = "accepting"
    """The person has been told, and is to press the key."""
    READY = "ready"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Welcome:
    """What whoever answers has to go through."""

    has_whisper: bool = False
    needs_key: bool = False
    accept_within_s: float = 10.0
    """How long after the whisper the key may come."""
    is_heard_early: bool = False
    """The caller hears what comes before the answer."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One person who is called."""

    number: int
    ring_for_s: float
    welcome: Welcome = Welcome()
    state: AttemptState = AttemptState.WAITING
    is_ringing: bool = False
    is_heard: bool = False
    """The caller hears it, in place of the hold sound."""
    tries_without_leg: int = 0
    """How often there was no leg, one time after the other, with nobody else being called."""
    outcome: TransferOutcome = TransferOutcome.FAILED
    """Why it is over."""
    detail: str = ""


def unknown(attempt: Attempt, detail: str) -> Attempt:
    """An attempt at somebody whom nobody knows."""
    return replace(attempt, state=AttemptState.OVER, outcome=TransferOutcome.UNKNOWN, detail=detail)


Step = tuple[Attempt, tuple[c.TransferCommand, ...]]
_Rule = Callable[[Attempt, e.TargetEvent], Step]


def advance_attempt(attempt: Attempt, event: e.TargetEvent) -> Step:
    """The next state and what is to be done. Total: a pair without a rule changes nothing."""
    rule = ATTEMPTS.get((attempt.state, type(event)))
    return rule(attempt, event) if rule else (attempt, ())


def _to(attempt: Attempt, state: AttemptState, after_s: float | None, *commands: c.TransferCommand) -> Step:
    return replace(attempt, state=state), (c.SetTargetTimer(attempt.number, after_s), *commands)


def _over(attempt: Attempt, outcome: TransferOutcome, detail: str, *commands: c.TransferCommand) -> Step:
    told = replace(attempt, outcome=outcome, detail=detail)
    return _to(told, AttemptState.OVER, None, *commands)


def _turn(attempt: Attempt, event: e.TargetEvent) -> Step:
    return _to(attempt, AttemptState.CALLING, attempt.ring_for_s, c.DialTarget(attempt.number))


def _ringing(attempt: Attempt, event: e.TargetEvent) -> Step:
    return replace(attempt, is_ringing=True), ()


def _heard(attempt: Attempt, event: e.TargetEvent) -> Step:
    if not attempt.welcome.is_heard_early:
        return attempt, ()
    return replace(attempt, is_heard=True), (c.LetHear(attempt.number),)


def _no_more_heard(rule: _Rule) -> _Rule:
    """With the end of the ringing the hold sound is back, until the two are joined or the flow goes on."""

    def quiet(attempt: Attempt, event: e.TargetEvent) -> Step:
        hold = (c.Hold(),) if attempt.is_heard else ()
        after, commands = rule(replace(attempt, is_heard=False), event)
        return after, (*hold, *commands)

    return quiet


def _answered(attempt: Attempt, event: e.TargetEvent) -> Step:
    if attempt.welcome.has_whisper:
        return _to(attempt, AttemptState.WHISPERING, WHISPER_LIMIT_S, c.Whisper(attempt.number))
    return _told(attempt, event)


def _told(attempt: Attempt, event: e.TargetEvent) -> Step:
    if attempt.welcome.needs_key:
        return _to(attempt, AttemptState.ACCEPTING, attempt.welcome.accept_within_s)
    return _to(attempt, AttemptState.READY, None)


def _whispered_too_long(attempt: Attempt, event: e.TargetEvent) -> Step:
    told, commands = _told(attempt, event)
    return told, (c.StopWhisper(attempt.number), *commands)


def _pressed(attempt: Attempt, event: e.TargetEvent) -> Step:
    assert isinstance(event, e.TargetPressed)
    if not attempt.welcome.needs_key or event.digit != ACCEPT_KEY:
        return attempt, ()
    return _to(attempt, AttemptState.READY, None, c.StopWhisper(attempt.number))


def _not_reached(attempt: Attempt, event: e.TargetEvent) -> Step:
    assert isinstance(event, e.TargetEnded)
    if event.had_no_leg:
        return _no_leg(attempt, event)
    outcome = outcome_of(event.sip_status, event.hangup_cause, was_ringing=attempt.is_ringing)
    return _over(attempt, outcome, _detail(event))


def _detail(event: e.TargetEnded) -> str:
    return f"{event.sip_status} {event.reason}".rstrip()


def _no_leg(attempt: Attempt, event: e.TargetEnded) -> Step:
    tried = replace(attempt, tries_without_leg=attempt.tries_without_leg + 1)
    if tried.tries_without_leg * LEG_RETRY_S > LEG_GRACE_S:
        return _over(tried, TransferOutcome.UNREACHABLE, _detail(event))
    return _to(tried, AttemptState.NO_LEG, LEG_RETRY_S)


def _rang_too_long(attempt: Attempt, event: e.TargetEvent) -> Step:
    outcome = TransferOutcome.NO_ANSWER if attempt.is_ringing else TransferOutcome.UNREACHABLE
    return _over(attempt, outcome, "no answer in time", c.HangUpTarget(attempt.number))


def _left(attempt: Attempt, event: e.TargetEvent) -> Step:
    outcome = TransferOutcome.NOT_ACCEPTED if attempt.welcome.needs_key else TransferOutcome.FAILED
    return _over(attempt, outcome, "the person left before the transfer")


def _no_key(attempt: Attempt, event: e.TargetEvent) -> Step:
    return _over(attempt, TransferOutcome.NOT_ACCEPTED, "no key in time", c.HangUpTarget(attempt.number))


_S = AttemptState

ATTEMPTS: Final[Mapping[tuple[AttemptState, type[e.TargetEvent]], _Rule]] = {
    (_S.WAITING, e.TargetTurn): _turn,
    (_S.NO_LEG, e.TargetTimeOver): _turn,
    (_S.CALLING, e.TargetRinging): _ringing,
    (_S.CALLING, e.TargetHeard): _heard,
    (_S.CALLING, e.TargetAnswered): _no_more_heard(_answered),
    (_S.CALLING, e.TargetEnded): _no_more_heard(_not_reached),
    (_S.CALLING, e.TargetTimeOver): _no_more_heard(_rang_too_long),
    (_S.WHISPERING, e.WhisperOver): _told,
    (_S.WHISPERING, e.TargetPressed): _pressed,
    (_S.WHISPERING, e.TargetTimeOver): _whispered_too_long,
    (_S.WHISPERING, e.TargetEnded): _left,
    (_S.ACCEPTING, e.TargetPressed): _pressed,
    (_S.ACCEPTING, e.TargetTimeOver): _no_key,
    (_S.ACCEPTING, e.TargetEnded): _left,
}
