"""Leads a real call in the world of a conversation: its time, variables, mocks. No service of the settings is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from ivr.calls.call_ports import CallPorts
from ivr.calls.driver import CallDriver
from ivr.calls.jobs import Services
from ivr.calls.note import CallNotes
from ivr.calls.returning import Returned
from ivr.calls.transfer_driver import TransferTarget
from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.flow.program import Program
from ivr.live_test.arrangement import Desk
from ivr.live_test.people import uri_of
from ivr.ports import LegId, LegOffered
from ivr.rehearsal.trail import place_of
from ivr.rehearsal.world import Calendars, World
from ivr.testing.sip_peer.measure import tone
from ivr.testing.sip_peer.recording import write_wav
from ivr.testing.turns import Answered

MESSAGE_HZ = 440
"""What is in the message of a caller who left it in a mock only."""


@dataclass(frozen=True)
class Stage:
    """What the calls of a bot under test share."""

    desk: Desk
    recordings: Path
    calendars: Calendars | None = None
    """What the calendars of the settings say at any instant."""


class ArrangedDriver(CallDriver):
    """A call that finds the world as it was laid ready for it."""

    def __init__(
        self,
        stage: Stage,
        ports: CallPorts,
        call_id: str,
        program: Program,
        offered: LegOffered,
        notes: CallNotes,
        claim: Callable[[LegId, CallDriver], None],
        finished: Callable[[CallDriver], None],
    ) -> None:
        self._stage, self._arranged = stage, stage.desk.take(call_id)
        given, person = self._arranged.given, self._arranged.person
        own_ports = replace(
            ports,
            targets={name: TransferTarget(name, uri_of(name, person), "") for name in ports.targets},
            recognizer=ports.recognizer if given.speech else None,
            services=Services(),
        )
        super().__init__(own_ports, call_id, program, offered, notes, claim, finished)
        began_s = self._now_s()
        self._world = World(
            self._arranged.mocks,
            step=lambda: place_of(self.state),
            now=lambda: self._arranged.begins_at + timedelta(seconds=self._now_s() - began_s),
            calendars=stage.calendars,
        )

    def start(self, returned: Returned | None = None) -> None:
        """Take the call up as it is given; one that came back from a transfer goes on where it was."""
        if returned is not None:
            super().start(returned)
            return
        given = self._arranged.given
        self._feed(
            e.CallOffered(
                self._now_s(),
                given.caller,
                given.called,
                given.name,
                given.variables,
                language=given.language or "",
                now=self._arranged.begins_at,
            )
        )

    def _feed(self, event: e.Event) -> None:
        if isinstance(event, e.UtteranceHeard) and (heard := self._stage.desk.heard(self.call_id)) is not None:
            text = "" if heard.is_noise else event.text
            event = replace(event, text=text, confidence=heard.confidence if text else 0.0)
        super()._feed(event)

    def _perform(self, command: c.Command) -> None:
        match command:
            case c.StartJob():
                self._arrange(command.job_id, self._world(command))
            case c.CancelJob(job_id=job_id):
                self._timers.cancel(_name(job_id))
            case _:
                super()._perform(command)

    def _perform_now(self, command: c.Command) -> None:
        if isinstance(command, c.StartRecording) and (answered := self._world(command)) is not None:
            self._arrange(command.record_id, replace(answered, event=self._with_message(answered.event)))
            return
        super()._perform_now(command)

    def _arrange(self, id_: str, answered: Answered | None) -> None:
        """Something from outside will have come to this, after a while."""
        if answered is None:
            return
        if answered.after_s:
            self._timers.start(_name(id_), answered.after_s, partial(self._outside_over, answered.event))
        else:
            self._outside_over(answered.event)

    def _outside_over(self, event: e.Event) -> None:
        self._feed(replace(event, at_s=self._now_s()))

    def _with_message(self, event: e.Event) -> e.Event:
        """The message of a mock has a file that can be played back."""
        if not isinstance(event, e.RecordingEnded) or not event.file:
            return event
        file = f"{self.call_id}-{event.file}"
        self._stage.recordings.mkdir(parents=True, exist_ok=True)
        write_wav(self._stage.recordings / file, tone(MESSAGE_HZ, event.duration_s))
        return replace(event, file=file)


def _name(id_: str) -> str:
    """Of a timer that is not the flow's."""
    return f"outside {id_}"
