"""Carries the transfer machine's wishes to the telephony and the news back. One object per transfer attempt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ivr.calls import transfer as t
from ivr.calls.timers import TimerHandle, Timers
from ivr.ports import (
    DialRequest,
    LegAnswered,
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
        target: TransferTarget,
        machine: t.TransferMachine,
        sounds: TransferSounds,
        report: Callable[[t.Report], None],
        claim: Callable[[LegId], None],
        headers: dict[str, str],
    ) -> None:
        """`report` is called once, at the end; `claim` tells which new leg's events belong here."""
        self._telephony, self._timers = telephony, timers
        self._caller, self._target = caller, target
        self._machine, self._sounds = machine, sounds
        self._report, self._claim = report, claim
        self._headers = headers
        self._target_leg: LegId | None = None
        self._timer: TimerHandle | None = None

    def start(self) -> None:
        """Begin."""
        self._advance(t.Started())

    def caller_event(self, event: LegEvent) -> None:
        """News of the caller's leg."""
        match event:
            case LegEnded():
                self._advance(t.CallerEnded())
            case ReferProgressed(sip_status=status, is_final=is_final):
                self._advance(t.ReferProgress(status, is_final))

    def target_event(self, event: LegEvent) -> None:
        """News of a person's leg; of one that an earlier attempt had dialled it means nothing here."""
        if event.leg_id != self._target_leg:
            return
        match event:
            case LegRinging():
                self._advance(t.TargetRinging())
            case LegAnswered():
                self._advance(t.TargetAnswered())
            case PlayFinished() | PlayFailed():
                self._advance(t.WhisperOver())
            case LegEnded(sip_status=status, hangup_cause=cause):
                self._target_leg = None
                self._advance(t.TargetEnded(status, cause))

    def _advance(self, event: t.TransferEvent) -> None:
        self._machine, commands = t.advance(self._machine, event)
        for command in commands:
            self._perform(command)

    def _perform(self, command: t.TransferCommand) -> None:
        caller, target = self._caller, self._target_leg
        match command:
            case t.Hold():
                self._telephony.play(caller, "hold", self._sounds.hold, loop=True)
            case t.StopHold():
                self._telephony.stop_playing(caller)
            case t.DialTarget():
                self._dial()
            case t.HangUpTarget() if target is not None:
                self._telephony.hang_up(target)
            case t.HangUpCaller():
                self._telephony.hang_up(caller)
            case t.Whisper() if target is not None:
                self._telephony.play(target, "whisper", self._sounds.whisper)
            case t.JoinLegs() if target is not None:
                self._telephony.join(caller, target)
            case t.ReferReplacing() if target is not None:
                self._settled(lambda: self._telephony.refer_replacing(caller, target))
            case t.ReferBlind():
                self._settled(lambda: self._telephony.refer(caller, self._target.uri))
            case t.SetTimer(after_s=after_s):
                self._set_timer(after_s)
            case t.Report():
                self._report(command)

    def _settled(self, refer: Callable[[], None]) -> None:
        """Refer in a moment, unless the transfer is over by then."""
        state = self._machine.state
        self._timers.call_later(REFER_SETTLE_S, lambda: refer() if self._machine.state is state else None)

    def _dial(self) -> None:
        request = DialRequest(self._target.uri, self._target.account, headers=self._headers)
        self._target_leg = self._telephony.dial(request)
        self._claim(self._target_leg)

    def _set_timer(self, after_s: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if after_s is not None:
            self._timer = self._timers.call_later(after_s, lambda: self._advance(t.TimeOver()))
