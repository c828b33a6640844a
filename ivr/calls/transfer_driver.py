"""Carries the transfer machine's wishes to the telephony and the news back. One object per transfer attempt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ivr.calls import transfer_commands as c
from ivr.calls import transfer_events as e
from ivr.calls.person_legs import PersonLegs
from ivr.calls.timers import NamedTimers, Timers
from ivr.calls.transfer import TransferMachine, TransferState, advance
from ivr.ports import DialRequest, LegEnded, LegEvent, LegId, ReferProgressed, Telephony

REFER_SETTLE_S: Final = 0.2
"""A REFER waits for this long: a PBX that has just connected a call may accept a REFER on it and then fail it, because
its own side is not joined yet (measured with Asterisk 22)."""

NO_TALK: Final = "the caller does not talk with a person now"

LEAVING: Final = (TransferState.REPLACING, TransferState.GONE, TransferState.CALLER_GONE, TransferState.REFERRING)


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
        self._report = report
        self._headers = headers
        self._legs = PersonLegs(
            telephony, self._named_timers, caller, sounds.whisper, self._request, claim, self._advance
        )

    @property
    def person(self) -> str:
        """Name of the target that the caller was joined with."""
        target = self._targets[self._machine.person]
        return target.name if target else ""

    @property
    def talk(self) -> tuple[LegId | None, str]:
        """Leg of the person while caller and person talk through the bot; else None, and why there is no such talk."""
        state = self._machine.state
        if state is TransferState.JOINED:
            return self._legs.leg_of(self._machine.person), "the person has just left"
        if state in LEAVING:
            return None, "the call is handed over by REFER: the bot is leaving it and hears nothing of the talk"
        return None, NO_TALK

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
        self._legs.event(event)

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
                self._set_timer(after_s)
            case c.Report():
                self._report(command)

    def _perform_for(self, command: c.TargetCommand) -> None:
        leg = self._legs.leg_of(command.number)
        if isinstance(command, c.ReferReplacing):
            if leg is not None:
                self._settled(lambda: self._telephony.refer_replacing(self._caller, leg))
        else:
            self._legs.perform(command)

    def _settled(self, refer: Callable[[], None]) -> None:
        """Refer in a moment, unless the transfer is over by then."""
        state = self._machine.state
        self._timers.call_later(REFER_SETTLE_S, lambda: refer() if self._machine.state is state else None)

    def _refer_blind(self) -> None:
        (target,) = self._targets
        if target is not None:
            self._settled(lambda: self._telephony.refer(self._caller, target.uri))

    def _request(self, number: int) -> DialRequest:
        target = self._targets[number]
        assert target is not None
        return DialRequest(target.uri, target.account, headers=self._headers)

    def _set_timer(self, after_s: float | None) -> None:
        self._named_timers.cancel("transfer")
        if after_s is not None:
            self._named_timers.start("transfer", after_s, lambda: self._advance(e.TimeOver()))
