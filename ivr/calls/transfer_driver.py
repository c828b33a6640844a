"""Carries the transfer machine's wishes to the telephony and the news back. One object per transfer attempt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ivr.calls import transfer_commands as c
from ivr.calls import transfer_events as e
from ivr.calls.timers import NamedTimers, Timers
from ivr.calls.transfer import TransferMachine, advance
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
    ReferProgressed,
    Telephony,
)

REFER_SETTLE_S: Final = 0.2
"""A REFER waits for this long: a PBX that has just connected a call may accept a REFER on it and then fail it, because
its own side is not joined yet (measured with Asterisk 22)."""

SERVICE_UNAVAILABLE: Final = 503
"""With which the telephony itself ends a leg that it has no room for."""


@dataclass(frozen=True, slots=True)
class TransferSounds:
    """What is played during a transfer."""

    hold: list[Path]
    whisper: list[Path]


@dataclass(frozen=True, slots=True)
class TransferTarget:
    """Where to, out of the configuration."""

    name: str
    uri: str
    account: str


class TransferDriver:
    """Runs one transfer of one caller leg. Must be driven on the loop's thread."""

    def __init__(
        self,
        telephony: Telephony,
        timers: Timers,
        caller: LegId,
        targets: Sequence[TransferTarget | None],
        machine: TransferMachine,
        sounds: TransferSounds,
        report: Callable[[c.Report], None],
        claim: Callable[[LegId], None],
        headers: Mapping[str, str],
    ) -> None:
        """`targets`: in the order of the machine's attempts, None for one that has failed before it began.

        `report` is called once, at the end; `claim` tells which new leg's events belong here."""
        self._telephony, self._timers, self._named_timers = telephony, timers, NamedTimers(timers)
        self._caller, self._targets = caller, targets
        self._machine, self._sounds = machine, sounds
        self._report, self._claim = report, claim
        self._headers = headers
        self._legs: dict[int, LegId] = {}
        """Leg of each person who is called, by number."""

    @property
    def person(self) -> str:
        """Name of the target that the caller was joined with."""
        target = self._targets[self._machine.person]
        return target.name if target else ""

    def start(self) -> None:
        """Begin."""
        self._advance(e.Started())

    def end(self) -> None:
        """Take the caller out of the talk."""
        self._advance(e.TalkOver())

    def caller_event(self, event: LegEvent) -> None:
        """News of the caller's leg."""
        match event:
            case LegEnded():
                self._advance(e.CallerEnded())
            case ReferProgressed(sip_status=status, is_final=is_final):
                self._advance(e.ReferProgress(status, is_final))

    def target_event(self, event: LegEvent) -> None:
        """News of a person's leg; of one that an earlier attempt had dialled it means nothing here."""
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

    def _advance(self, event: e.TransferEvent) -> None:
        self._machine, commands = advance(self._machine, event)
        for command in commands:
            if isinstance(command, c.TargetCommand):
                self._perform_for(command)
            else:
                self._perform(command)

    def _perform(self, command: c.TransferCommand) -> None:
        caller = self._caller
        match command:
            case c.Hold():
                self._telephony.play(caller, "hold", self._sounds.hold, loop=True)
            case c.StopHold():
                self._telephony.stop_playing(caller)
            case c.HangUpCaller():
                self._telephony.hang_up(caller)
            case c.ReferBlind():
                self._refer_blind()
            case c.SetTimer(after_s=after_s):
                self._set_timer("transfer", after_s, e.TimeOver())
            case c.Report():
                self._report(command)

    def _perform_for(self, command: c.TargetCommand) -> None:
        caller, leg = self._caller, self._legs.get(command.number)
        match command:
            case c.DialTarget(number=number):
                self._dial(number)
            case c.SetTargetTimer(number=number, after_s=after_s):
                self._set_timer(f"target {number}", after_s, e.TargetTimeOver(number))
            case c.LetHear() if leg is not None:
                self._telephony.let_hear(caller, leg)
            case c.HangUpTarget() if leg is not None:
                self._telephony.hang_up(leg)
            case c.Whisper() if leg is not None:
                self._telephony.play(leg, "whisper", self._sounds.whisper)
            case c.StopWhisper() if leg is not None:
                self._telephony.stop_playing(leg)
            case c.JoinLegs() if leg is not None:
                self._telephony.join(caller, leg)
            case c.ReferReplacing() if leg is not None:
                self._settled(lambda: self._telephony.refer_replacing(caller, leg))

    def _settled(self, refer: Callable[[], None]) -> None:
        """Refer in a moment, unless the transfer is over by then."""
        state = self._machine.state
        self._timers.call_later(REFER_SETTLE_S, lambda: refer() if self._machine.state is state else None)

    def _refer_blind(self) -> None:
        (target,) = self._targets
        if target is not None:
            self._settled(lambda: self._telephony.refer(self._caller, target.uri))

    def _dial(self, number: int) -> None:
        target = self._targets[number]
        assert target is not None
        leg_id = self._telephony.dial(DialRequest(target.uri, target.account, headers=self._headers))
        self._legs[number] = leg_id
        self._claim(leg_id)

    def _set_timer(self, name: str, after_s: float | None, over: e.TransferEvent) -> None:
        self._named_timers.cancel(name)
        if after_s is not None:
            self._named_timers.start(name, after_s, lambda: self._advance(over))
