"""Carries the wishes of the monitoring machine to the telephony and the news back. One object per call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from ivr.calls import monitoring as m
from ivr.calls.call_ports import CallPorts
from ivr.calls.timers import NamedTimers
from ivr.flow.commands import NoteStep
from ivr.ports import DialRequest, LegAnswered, LegEnded, LegEvent, LegId

KIND: Final = "monitor"
"""Of the record's lines that say who took part, how, and from when to when."""

Tell = Callable[[str], None]
"""Called once with why a wish was not fulfilled; with nothing when the supervisor takes part."""


class CallMonitoring:
    """Lets a supervisor take part in the talk of a caller and a person. Runs on the event loop's thread only."""

    def __init__(
        self,
        ports: CallPorts,
        call_id: str,
        caller: LegId,
        talk: Callable[[], tuple[LegId | None, str]],
        note: Callable[[NoteStep], None],
        claim: Callable[[LegId], None],
    ) -> None:
        """`talk` gives the person's leg while the bot bridges the two, else None and why there is no such talk;
        `claim` registers the supervisor's leg as one of this call.
        """
        self._ports, self._call_id, self._caller = ports, call_id, caller
        self._talk, self._note, self._claim = talk, note, claim
        self._log = structlog.get_logger(__name__).bind(call_id=call_id)
        self._timers = NamedTimers(ports.timers)
        self._machine = m.MonitorMachine()
        self._leg: LegId | None = None
        self._person: LegId | None = None
        self._since_s = 0.0
        self._asking: list[Tell] = []

    @property
    def is_possible(self) -> bool:
        """Whether there is a talk to take part in."""
        return self._talk()[0] is not None

    def ask(self, wish: m.MonitorWish, tell: Tell) -> None:
        """Begin, or go on in another way."""
        person, why_not = self._talk()
        if person is None:
            tell(why_not)
            return
        self._person = person
        self._asking.append(tell)
        self._advance(m.Asked(wish))

    def leg_event(self, event: LegEvent) -> None:
        """News of the supervisor's leg; of any other it means nothing here."""
        if event.leg_id != self._leg:
            return
        match event:
            case LegAnswered():
                self._advance(m.Answered())
            case LegEnded(sip_status=status, reason=reason):
                self._leg = None
                self._advance(m.Ended(f"{status} {reason}".rstrip()))

    def talk_ended(self) -> None:
        """The two do not talk through the bot any more, or the call is over."""
        self._advance(m.TalkEnded())

    def _advance(self, event: m.MonitorEvent) -> None:
        self._machine, commands = m.advance_monitor(self._machine, event)
        for command in commands:
            self._perform(command)

    def _perform(self, command: m.MonitorCommand) -> None:
        match command:
            case m.Dial(wish=wish):
                self._dial(wish)
            case m.StopRinging():
                self._timers.cancel("ringing")
            case m.HangUp() if self._leg is not None:
                self._ports.telephony.hang_up(self._leg)
                self._leg = None
            case m.Connect(how=how) if self._leg is not None and self._person is not None:
                self._since_s = self._now_s()
                self._ports.telephony.take_part(self._leg, self._caller, self._person, how)
            case m.Note(wish=wish):
                self._write(wish)
            case m.Tell(reason=reason):
                asking, self._asking = self._asking, []
                for tell in asking:
                    tell(reason)
            case m.Refuse(reason=reason):
                self._asking.pop()(reason)

    def _dial(self, wish: m.MonitorWish) -> None:
        rules = self._ports.monitoring
        headers = {"X-IVR-Call-Id": self._call_id, "X-IVR-Monitor": wish.how.value}
        self._log.info("monitor_called", supervisor=wish.who, how=wish.how)
        self._leg = self._ports.telephony.dial(DialRequest(wish.uri, rules.account, headers=headers))
        self._claim(self._leg)
        self._timers.start("ringing", rules.ring_for_s, lambda: self._advance(m.TimeOver()))

    def _write(self, wish: m.MonitorWish) -> None:
        now_s = self._now_s()
        detail = f"{now_s - self._since_s:.0f} s"
        self._log.info("monitored", supervisor=wish.who, how=wish.how, duration_s=round(now_s - self._since_s, 1))
        self._note(NoteStep("", KIND, self._since_s, now_s, 1, wish.how.value, meaning=wish.who, detail=detail))

    def _now_s(self) -> float:
        return self._ports.clock.monotonic_s()
