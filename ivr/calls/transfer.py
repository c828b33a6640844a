"""Handing a caller to a person: the pure state machine of one transfer.

Modes: `auto` dials the person as a second leg, joins the two, and then asks the caller's side to take the person's leg
over (REFER with Replaces, RFC 5589 §7.3) so that the bot leaves the media path; where that is refused the bot stays
as a bridge, and where the caller may come back to the flow after the talk it stays anyway. `attended` joins by REFER
only, `bridge` never refers, `refer` sends a blind REFER (RFC 3515).

                    ┌────────────────── nobody is reached: outcome, caller back in the flow
    start ─► REACHING ─ somebody is ready ─► JOINED ─► (auto) REPLACING ─ accepted ─► DONE: they talk without us
       │    (`hunting`)                       ▲  └ either side ends: DONE   │
       │                                      └────── refused, no word ─────┘
       └─ refer ─► REFERRING ─ final 2xx ─► DONE    any other final ─► outcome, caller back in the flow

Whatever the caller does, the other leg is ended at once. Everything about transitions is in TRANSITIONS; a pair that is
absent changes nothing, and neither does news of a person who is not the one that the caller is joined with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from ivr.calls import transfer_commands as c
from ivr.calls import transfer_events as e
from ivr.calls.hunting import Hunt, advance_hunt, begin_hunt, let_all_go
from ivr.calls.transfer_outcome import outcome_of
from ivr.flow.events import TransferOutcome

REPLACE_LIMIT_S: Final = 6.0
"""A REFER with Replaces that has no final word by then counts as refused: the bridge stays."""

REFER_GRACE_S: Final = 15.0
"""A blind REFER may take this much longer than the ringing time before it counts as failed."""

GONE_GRACE_S: Final = 2.0
"""The person's leg may end this long before the NOTIFY that says why (the PBX replaced it)."""


_CALLER_HUNG_UP: Final = c.Report(TransferOutcome.FAILED, "caller hung up", "caller")


class TransferState(StrEnum):
    """Where a transfer stands."""

    NEW = "new"
    REACHING = "reaching"
    """Persons are called, and told who is calling; the caller hears the hold sound."""
    JOINED = "joined"
    REPLACING = "replacing"
    GONE = "gone"
    """Replacing, and the person's leg ended already: replaced, or hung up."""
    CALLER_GONE = "caller_gone"
    """Replacing, and the caller's leg ended already: moved on, or hung up."""
    REFERRING = "referring"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class TransferMachine:
    """State of one transfer."""

    mode: str
    hunt: Hunt
    state: TransferState = TransferState.NEW
    is_ringing: bool = False
    """News of a blind REFER said so."""
    was_accepted: bool = False
    """A REFER was taken on: provisional news of it came."""
    comes_back: bool = False
    """The flow goes on with the caller when the person hangs up first."""
    return_key: str = ""
    """Key by which the person sends the caller back; empty for none."""
    person: int = 0
    """Number of the person with whom the caller is joined."""


Step = tuple[TransferMachine, tuple[c.TransferCommand, ...]]
_Rule = Callable[[TransferMachine, e.TransferEvent], Step]


def advance(machine: TransferMachine, event: e.TransferEvent) -> Step:
    """The next state and what is to be done. Total: a pair without a rule changes nothing."""
    if isinstance(event, e.TargetEvent):
        if machine.state is TransferState.REACHING:
            return _reach(machine, event)
        if event.number != machine.person:
            return machine, ()
    rule = TRANSITIONS.get((machine.state, type(event)))
    return rule(machine, event) if rule else (machine, ())


# --- rules -----------------------------------------------------------------------------------------------------------


def _to(machine: TransferMachine, state: TransferState, *commands: c.TransferCommand) -> Step:
    return replace(machine, state=state), commands


def _over(machine: TransferMachine, *commands: c.TransferCommand) -> Step:
    return _to(machine, TransferState.DONE, c.SetTimer(None), *commands)


def _start(machine: TransferMachine, event: e.TransferEvent) -> Step:
    if machine.hunt.has_failed:  # the configuration knows none of them
        return _to(machine, TransferState.DONE, _nobody_reached(machine.hunt))
    if machine.mode == "refer":
        limit_s = machine.hunt.attempts[0].ring_for_s + REFER_GRACE_S
        return _to(machine, TransferState.REFERRING, c.SetTimer(limit_s), c.ReferBlind())
    hunt, commands = begin_hunt(machine.hunt)
    return _to(replace(machine, hunt=hunt), TransferState.REACHING, c.Hold(), *commands)


def _reach(machine: TransferMachine, event: e.TargetEvent) -> Step:
    hunt, commands = advance_hunt(machine.hunt, event)
    machine = replace(machine, hunt=hunt)
    if hunt.ready is not None:
        machine, more = _introduced(replace(machine, person=hunt.ready.number))
        return machine, (*commands, *more)
    if hunt.has_failed:
        return _to(machine, TransferState.DONE, *commands, c.StopHold(), _nobody_reached(hunt))
    return machine, commands


def _nobody_reached(hunt: Hunt) -> c.Report:
    return c.Report(hunt.nearest.outcome, hunt.nearest.detail)


def _introduced(machine: TransferMachine) -> Step:
    person, limit = machine.person, c.SetTimer(REPLACE_LIMIT_S)
    if machine.mode == "attended":
        return _to(machine, TransferState.REPLACING, limit, c.ReferReplacing(person))
    if machine.mode == "auto" and not (machine.comes_back or machine.return_key):
        return _to(machine, TransferState.REPLACING, c.JoinLegs(person), limit, c.ReferReplacing(person))
    return _to(machine, TransferState.JOINED, c.JoinLegs(person))


def _caller_left_early(machine: TransferMachine, event: e.TransferEvent) -> Step:
    return _to(machine, TransferState.DONE, *let_all_go(machine.hunt), _CALLER_HUNG_UP)


def _person_left_early(machine: TransferMachine, event: e.TransferEvent) -> Step:
    left = c.Report(TransferOutcome.FAILED, "the person left before the transfer")
    return _over(machine, c.StopHold(), left)


def _caller_left(machine: TransferMachine, event: e.TransferEvent) -> Step:
    return _over(machine, c.HangUpTarget(machine.person), _CALLER_HUNG_UP)


def _caller_left_talk(machine: TransferMachine, event: e.TransferEvent) -> Step:
    if _never_talked(machine):
        return _caller_left(machine, event)
    return _over(machine, c.HangUpTarget(machine.person), c.Report(TransferOutcome.CONNECTED, "bridged", "caller"))


def _not_taken_over(machine: TransferMachine, event: e.TransferEvent) -> Step:
    """The caller's side took the REFER on, and is gone; the person is still here, so the two did not meet by it."""
    return _caller_left(machine, event) if machine.mode == "attended" else _caller_left_talk(machine, event)


def _never_talked(machine: TransferMachine) -> bool:
    """`attended` joins by REFER only: before that is accepted, caller and person have not met."""
    return machine.mode == "attended" and not machine.was_accepted


def _person_left_talk(machine: TransferMachine, event: e.TransferEvent) -> Step:
    if _never_talked(machine):
        return _person_left_early(machine, event)
    if machine.comes_back:
        return _over(machine, c.Report(TransferOutcome.AFTER, "bridged", "agent"))
    return _over(machine, c.HangUpCaller(), c.Report(TransferOutcome.CONNECTED, "bridged", "agent"))


def _talk_over(machine: TransferMachine, event: e.TransferEvent) -> Step:
    machine, commands = _person_left_talk(machine, event)
    return machine, (c.HangUpTarget(machine.person), *commands)


def _over_before_the_talk(machine: TransferMachine, event: e.TransferEvent) -> Step:
    left = c.Report(TransferOutcome.FAILED, "nobody is there any more")
    return _over(machine, *let_all_go(machine.hunt), c.StopHold(), left)


def _pressed_in_talk(machine: TransferMachine, event: e.TransferEvent) -> Step:
    assert isinstance(event, e.TargetPressed)
    if event.digit != machine.return_key:
        return machine, ()
    sent_back = c.Report(TransferOutcome.RETURNED, "bridged", "agent")
    return _over(machine, c.HangUpTarget(machine.person), sent_back)


def _replace_news(machine: TransferMachine, event: e.TransferEvent) -> Step:
    assert isinstance(event, e.ReferProgress)
    if not event.is_final:
        return replace(machine, was_accepted=True), ()
    if 200 <= event.sip_status < 300:
        return _over(
            machine, c.HangUpCaller(), c.HangUpTarget(machine.person), c.Report(TransferOutcome.CONNECTED, "replaced")
        )
    return _replace_refused(machine, event)


def _replace_refused(machine: TransferMachine, event: e.TransferEvent) -> Step:
    if machine.mode == "attended":
        refused = c.Report(TransferOutcome.REFUSED, "the caller's side refused the transfer")
        return _over(machine, c.HangUpTarget(machine.person), c.StopHold(), refused)
    return _to(machine, TransferState.JOINED, c.SetTimer(None))


def _target_gone(machine: TransferMachine, event: e.TransferEvent) -> Step:
    return _to(machine, TransferState.GONE, c.SetTimer(GONE_GRACE_S))


def _gone_news(machine: TransferMachine, event: e.TransferEvent) -> Step:
    assert isinstance(event, e.ReferProgress)
    if not event.is_final:
        return replace(machine, was_accepted=True), ()
    if 200 <= event.sip_status < 300:
        return _over(machine, c.HangUpCaller(), c.Report(TransferOutcome.CONNECTED, "replaced"))
    return _person_left_talk(machine, event)


def _caller_gone(machine: TransferMachine, event: e.TransferEvent) -> Step:
    if machine.was_accepted:
        return _to(machine, TransferState.CALLER_GONE, c.SetTimer(GONE_GRACE_S))
    return _caller_left_talk(machine, event)


def _taken_over(machine: TransferMachine, event: e.TransferEvent) -> Step:
    return _over(machine, c.Report(TransferOutcome.CONNECTED, "replaced"))


def _caller_taken(machine: TransferMachine, event: e.TransferEvent) -> Step:
    """Both of our legs ended during the replacement: it worked when it had been accepted, else the caller left."""
    if machine.was_accepted:
        return _over(machine, c.Report(TransferOutcome.CONNECTED, "replaced"))
    return _caller_left_talk(machine, event)


def _blind_news(machine: TransferMachine, event: e.TransferEvent) -> Step:
    assert isinstance(event, e.ReferProgress)
    if not event.is_final:
        return replace(machine, was_accepted=True, is_ringing=machine.is_ringing or event.sip_status in (180, 183)), ()
    if 200 <= event.sip_status < 300:
        return _over(machine, c.HangUpCaller(), c.Report(TransferOutcome.CONNECTED, "referred"))
    if machine.was_accepted and event.sip_status == 503:
        # A PBX that took the caller and failed to reach the target says 503 and keeps an empty leg to us.
        return _over(
            machine, c.HangUpCaller(), c.Report(TransferOutcome.CONNECTED, "the PBX has the caller; target failed")
        )
    outcome = outcome_of(event.sip_status, was_ringing=machine.is_ringing)
    if not machine.was_accepted and outcome is TransferOutcome.FAILED:
        outcome = TransferOutcome.REFUSED
    return _over(machine, c.Report(outcome, f"{event.sip_status}"))


def _blind_silent(machine: TransferMachine, event: e.TransferEvent) -> Step:
    return _over(machine, c.Report(TransferOutcome.FAILED, "no news of the REFER"))


def _blind_caller_left(machine: TransferMachine, event: e.TransferEvent) -> Step:
    """The caller's side ended our leg: with the REFER accepted it moved on, else it hung up."""
    if machine.was_accepted:
        return _over(machine, c.Report(TransferOutcome.CONNECTED, "referred"))
    return _over(machine, _CALLER_HUNG_UP)


_S = TransferState

TRANSITIONS: Final[Mapping[tuple[TransferState, type[e.TransferEvent]], _Rule]] = {
    (_S.NEW, e.Started): _start,
    (_S.NEW, e.CallerEnded): _caller_left_early,
    (_S.REACHING, e.CallerEnded): _caller_left_early,
    (_S.REACHING, e.TalkOver): _over_before_the_talk,
    (_S.JOINED, e.TalkOver): _talk_over,
    (_S.JOINED, e.TargetEnded): _person_left_talk,
    (_S.JOINED, e.CallerEnded): _caller_left_talk,
    (_S.JOINED, e.TargetPressed): _pressed_in_talk,
    (_S.REPLACING, e.ReferProgress): _replace_news,
    (_S.REPLACING, e.TimeOver): _replace_refused,
    (_S.REPLACING, e.TargetEnded): _target_gone,
    (_S.REPLACING, e.CallerEnded): _caller_gone,
    (_S.CALLER_GONE, e.TargetEnded): _taken_over,
    (_S.CALLER_GONE, e.TimeOver): _not_taken_over,
    (_S.GONE, e.ReferProgress): _gone_news,
    (_S.GONE, e.TimeOver): _person_left_talk,
    (_S.GONE, e.CallerEnded): _caller_taken,
    (_S.REFERRING, e.ReferProgress): _blind_news,
    (_S.REFERRING, e.TimeOver): _blind_silent,
    (_S.REFERRING, e.CallerEnded): _blind_caller_left,
}
