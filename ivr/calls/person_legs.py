"""The legs of persons who are called for a caller: carries wishes to the telephony, and the news of the legs back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from ivr.calls import transfer_commands as c
from ivr.calls import transfer_events as e
from ivr.calls.timers import NamedTimers
from ivr.ports import (
    DialRequest,
    EndedBy,
    KeyPressed,
    LegAnswered,
    LegEarlyMedia,
    LegEnded,
    LegEvent,
    LegId,
    LegRinging,
    PlayFailed,
    PlayFinished,
    Telephony,
)

SERVICE_UNAVAILABLE: Final = 503
"""With which the telephony itself ends a leg that it has no room for."""


class PersonLegs:
    """Legs by the numbers of those who are called. Must be driven on the loop's thread."""

    def __init__(
        self,
        telephony: Telephony,
        timers: NamedTimers,
        caller: LegId,
        whisper: Sequence[Path],
        request: Callable[[int], DialRequest],
        claim: Callable[[LegId], None],
        advance: Callable[[e.TargetEvent], None],
    ) -> None:
        """`request` says how a person is called; `claim` tells which new leg's events belong here; `advance` gets the
        news."""
        self._telephony, self._timers, self._caller, self._whisper = telephony, timers, caller, whisper
        self._request, self._claim, self._advance = request, claim, advance
        self._legs: dict[int, LegId] = {}

    def leg_of(self, number: int) -> LegId | None:
        """The leg of a person, while there is one."""
        return self._legs.get(number)

    def event(self, event: LegEvent) -> None:
        """News of a person's leg; of one that was dialled for something else it means nothing here."""
        number = next((number for number, leg_id in self._legs.items() if leg_id == event.leg_id), None)
        if number is None:
            return
        match event:
            case LegRinging():
                self._advance(e.TargetRinging(number))
            case LegEarlyMedia():
                self._advance(e.TargetHeard(number))
            case LegAnswered():
                self._advance(e.TargetAnswered(number))
            case KeyPressed(digit=digit):
                self._advance(e.TargetPressed(number, digit))
            case PlayFinished() | PlayFailed():
                self._advance(e.WhisperOver(number))
            case LegEnded(sip_status=status, hangup_cause=cause):
                del self._legs[number]
                is_ours = event.ended_by is EndedBy.LOCAL
                reason, had_no_leg = event.reason if is_ours else "", is_ours and status == SERVICE_UNAVAILABLE
                self._advance(e.TargetEnded(number, status, cause, reason, had_no_leg))

    def perform(self, command: c.TargetCommand) -> None:
        """Do what is asked for with a person's leg; what is asked of one that is gone is done."""
        leg = self._legs.get(command.number)
        match command:
            case c.DialTarget(number=number):
                self._dial(number)
            case c.SetTargetTimer(number=number, after_s=after_s):
                self._set_timer(number, after_s)
            case c.LetHear() if leg is not None:
                self._telephony.let_hear(self._caller, leg)
            case c.HangUpTarget() if leg is not None:
                self._telephony.hang_up(leg)
            case c.Whisper() if leg is not None:
                self._telephony.play(leg, "whisper", self._whisper)
            case c.StopWhisper() if leg is not None:
                self._telephony.stop_playing(leg)
            case c.JoinLegs() if leg is not None:
                self._telephony.join(self._caller, leg)

    def _dial(self, number: int) -> None:
        leg_id = self._telephony.dial(self._request(number))
        self._legs[number] = leg_id
        self._claim(leg_id)

    def _set_timer(self, number: int, after_s: float | None) -> None:
        name = f"target {number}"
        self._timers.cancel(name)
        if after_s is not None:
            self._timers.start(name, after_s, lambda: self._advance(e.TargetTimeOver(number)))
