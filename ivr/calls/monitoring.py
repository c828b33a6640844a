"""Somebody listens to a talk, whispers into it, or joins it: the pure state machine of one supervisor in one call.

    IDLE ─ asked ─► CALLING ─ answered ─► TAKING_PART ⟲ asked again: another way
      ▲                │                      │
      └────────────────┴──────────────────────┴─ hangs up, is not reached, the talk ends

The talk of the two others is never touched: nothing here commands anything for their legs. Everything about
transitions is in TRANSITIONS; a pair that is absent changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

NOT_ALLOWED: Final = "the settings do not allow it; where the law does, set `monitoring: {allowed: true}`"


class Participation(StrEnum):
    """How a third party takes part in the talk of two others, whom it always hears."""

    LISTEN = "listen"
    """Nobody hears the third party."""
    WHISPER = "whisper"
    """The person hears it, the caller does not."""
    JOIN = "join"
    """Both hear it."""


@dataclass(frozen=True, slots=True)
class MonitorRules:
    """What the settings say about it."""

    is_allowed: bool = False
    account: str = ""
    """Account that calls supervisors; the bot's own identity when empty."""
    ring_for_s: float = 20.0


@dataclass(frozen=True, slots=True)
class MonitorWish:
    """Who wants to take part, and how. Made of configuration and rows only, never of what a caller sent."""

    who: str
    uri: str
    """SIP URI of the supervisor's telephone."""
    how: Participation


class MonitorState(StrEnum):
    """Where it stands."""

    IDLE = "idle"
    CALLING = "calling"
    """The supervisor's telephone rings."""
    TAKING_PART = "taking_part"


# --- events


@dataclass(frozen=True, slots=True)
class MonitorEvent:
    """Something happened."""


@dataclass(frozen=True, slots=True)
class Asked(MonitorEvent):
    """A supervisor wants to take part, or to do so in another way."""

    wish: MonitorWish


@dataclass(frozen=True, slots=True)
class Answered(MonitorEvent):
    """The supervisor is there."""


@dataclass(frozen=True, slots=True)
class Ended(MonitorEvent):
    """The supervisor's leg is over, or never came to be."""

    reason: str


@dataclass(frozen=True, slots=True)
class TalkEnded(MonitorEvent):
    """The two others do not talk through the bot any more."""


@dataclass(frozen=True, slots=True)
class TimeOver(MonitorEvent):
    """It rang too long."""


# --- commands


@dataclass(frozen=True, slots=True)
class MonitorCommand:
    """A wish of the machine."""


@dataclass(frozen=True, slots=True)
class Dial(MonitorCommand):
    """Call the supervisor, and limit the ringing."""

    wish: MonitorWish


@dataclass(frozen=True, slots=True)
class StopRinging(MonitorCommand):
    """The limit of the ringing means nothing any more."""


@dataclass(frozen=True, slots=True)
class HangUp(MonitorCommand):
    """End (or cancel) the supervisor's leg."""


@dataclass(frozen=True, slots=True)
class Connect(MonitorCommand):
    """Let the supervisor take part like this from now on."""

    how: Participation


@dataclass(frozen=True, slots=True)
class Note(MonitorCommand):
    """Write into the record that `wish` was so since the last Connect."""

    wish: MonitorWish


@dataclass(frozen=True, slots=True)
class Tell(MonitorCommand):
    """Answer all who have asked and had no answer; an empty reason: the supervisor takes part."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Refuse(MonitorCommand):
    """Answer the one who asked last."""

    reason: str


@dataclass(frozen=True, slots=True)
class MonitorMachine:
    """State of one call's supervisor."""

    state: MonitorState = MonitorState.IDLE
    wish: MonitorWish | None = None
    """Of who is called or takes part."""


Step = tuple[MonitorMachine, tuple[MonitorCommand, ...]]
_Rule = Callable[[MonitorMachine, MonitorEvent], Step]


def advance_monitor(machine: MonitorMachine, event: MonitorEvent) -> Step:
    """The next state and what is to be done. Total: a pair without a rule changes nothing."""
    rule = TRANSITIONS.get((machine.state, type(event)))
    return rule(machine, event) if rule else (machine, ())


def _idle(*commands: MonitorCommand) -> Step:
    return MonitorMachine(), commands


def _wish(machine: MonitorMachine) -> MonitorWish:
    assert machine.wish is not None
    return machine.wish


def _begin(machine: MonitorMachine, event: MonitorEvent) -> Step:
    assert isinstance(event, Asked)
    return MonitorMachine(MonitorState.CALLING, event.wish), (Dial(event.wish),)


def _other_way_soon(machine: MonitorMachine, event: MonitorEvent) -> Step:
    assert isinstance(event, Asked)
    if event.wish.who != _wish(machine).who:
        return machine, (_taken(machine),)
    return replace(machine, wish=event.wish), ()


def _other_way(machine: MonitorMachine, event: MonitorEvent) -> Step:
    assert isinstance(event, Asked)
    before = _wish(machine)
    if event.wish.who != before.who:
        return machine, (_taken(machine),)
    if event.wish.how is before.how:
        return machine, (Tell(),)
    return replace(machine, wish=event.wish), (Note(before), Connect(event.wish.how), Tell())


def _taken(machine: MonitorMachine) -> Refuse:
    return Refuse(f"{_wish(machine).who} takes part in this call already; one supervisor at a time")


def _answered(machine: MonitorMachine, event: MonitorEvent) -> Step:
    commands = (StopRinging(), Connect(_wish(machine).how), Tell())
    return replace(machine, state=MonitorState.TAKING_PART), commands


def _not_reached(machine: MonitorMachine, event: MonitorEvent) -> Step:
    assert isinstance(event, Ended)
    return _idle(StopRinging(), Tell(f"the telephone of {_wish(machine).who} was not reached: {event.reason}"))


def _rang_too_long(machine: MonitorMachine, event: MonitorEvent) -> Step:
    return _idle(HangUp(), Tell(f"{_wish(machine).who} did not answer"))


def _talk_ended_early(machine: MonitorMachine, event: MonitorEvent) -> Step:
    return _idle(StopRinging(), HangUp(), Tell("the talk ended before the supervisor answered"))


def _left(machine: MonitorMachine, event: MonitorEvent) -> Step:
    return _idle(Note(_wish(machine)))


def _talk_ended(machine: MonitorMachine, event: MonitorEvent) -> Step:
    return _idle(HangUp(), Note(_wish(machine)))


_S = MonitorState

TRANSITIONS: Final[Mapping[tuple[MonitorState, type[MonitorEvent]], _Rule]] = {
    (_S.IDLE, Asked): _begin,
    (_S.CALLING, Asked): _other_way_soon,
    (_S.CALLING, Answered): _answered,
    (_S.CALLING, Ended): _not_reached,
    (_S.CALLING, TalkEnded): _talk_ended_early,
    (_S.CALLING, TimeOver): _rang_too_long,
    (_S.TAKING_PART, Asked): _other_way,
    (_S.TAKING_PART, Ended): _left,
    (_S.TAKING_PART, TalkEnded): _talk_ended,
}
