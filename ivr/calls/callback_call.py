"""Calls back a caller who kept a place in a queue without the line: reaches the caller, then the agent, joins them."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from ivr.acd.floor import NO_LEG, Ring
from ivr.acd.queue import WaitingCall, rules_of
from ivr.calls.call_measures import CallMeasures
from ivr.calls.call_monitoring import CallMonitoring
from ivr.calls.call_ports import CallPorts, CallTasks
from ivr.calls.callback_record import CallbackRecord, OpenNotes
from ivr.calls.calling_back import attempt_at_caller, callback_uri, text_in
from ivr.calls.person_legs import PersonLegs
from ivr.calls.prompt_player import PromptPlayer
from ivr.calls.queue_clerk import QueueClerk
from ivr.calls.queue_visit import QueueVisit, Visitor
from ivr.calls.reaching import AttemptState, advance_attempt
from ivr.calls.timers import NamedTimers
from ivr.calls.transfer_commands import TargetCommand
from ivr.calls.transfer_driver import NO_TALK, TransferSounds
from ivr.calls.transfer_events import TargetEnded, TargetEvent, TargetTurn
from ivr.config_queues import CallbackSettings
from ivr.errors import IvrError
from ivr.flow.commands import EnterQueue
from ivr.flow.events import QueueEnded
from ivr.flow.segments import Speech
from ivr.ports import DialRequest, LegAnswered, LegEnded, LegEvent, LegId, LegRinging, NoMeasures

_CALLER = 0
"""Number of the caller's leg among those who are called."""


class CallbackCall:
    """One try. A voicemail presses no key, so none gets an agent. Must be driven on the loop's thread."""

    def __init__(
        self,
        ports: CallPorts,
        clerk: QueueClerk,
        call_id: str,
        open_notes: OpenNotes,
        claim: Callable[[LegId, CallbackCall], None],
        finished: Callable[[CallbackCall], None],
    ) -> None:
        """`claim` registers a leg whose events belong here; `finished` is called once, at the end."""
        self._open_notes = open_notes
        self._record: CallbackRecord | None = None
        """From the first news of the caller's leg."""
        self._said = "", ""
        """By which account the caller is called, and what is said."""
        self.monitoring: CallMonitoring | None = None
        """Who takes part in the talk with the agent."""
        self._ended_leg: LegEnded | None = None
        """The caller's."""
        self._ports, self._clerk, self._call_id = ports, clerk, call_id
        self._claim, self._finished = claim, finished
        self._log = structlog.get_logger(__name__).bind(call_id=call_id)
        self._tasks = CallTasks(call_id, self.fail)
        self._rings: tuple[Ring, ...] | None = None
        """What is offered; None before the first word of it."""
        self._call: WaitingCall | None = None
        self._timers = NamedTimers(ports.timers)
        self._leg_id = LegId("")
        self._visit: QueueVisit | None = None
        self._is_over = False

    def start(self) -> None:
        """Begin: ask who it is."""
        self._clerk.adopt(self._call_id, self)
        self._clerk.find(self._call_id, self._found)

    def hang_up(self) -> None:
        """End it from outside (shutdown)."""
        if self._visit is None:
            self._give_back()
        else:
            self._ports.telephony.hang_up(self._leg_id)

    def fail(self) -> None:
        """Something of ours broke: log the exception in progress, and let this call go."""
        self._log.exception("callback_failed")
        if self._visit is None:
            self._clerk.withdraw(self._call_id)
        else:
            self._visit.caller_ended()
        self._close()

    # --- from the clerk

    def offered(self, rings: tuple[Ring, ...]) -> None:
        """All that is offered now."""
        was_offered, self._rings = self._rings, rings
        if self._visit is not None:
            self._visit.offered(rings)
        elif was_offered and not rings:  # the agent is not there any more
            self._close()

    def queues_away(self) -> None:
        """Nobody can be connected."""
        if self._visit is not None:
            self._visit.queues_away()
        else:
            self._close()

    def queues_back(self) -> None:
        """Somebody else may have the call by now."""
        if self._visit is not None:
            self._visit.queues_back()

    # --- the caller

    def _found(self, call: WaitingCall | IvrError | None) -> None:
        if self._is_over:
            return
        if not isinstance(call, WaitingCall) or not call.callback:
            self._close()
            return
        self._call = call
        rules = rules_of(self._clerk.rules, call.queue)
        uri, via = callback_uri(rules, call.callback), rules.callback_via
        if uri is None or via is None:
            self._not_reached("the queue has no way to that number")
            return
        self._tasks.start(self._dial(uri, via, str(call.context.get("language", ""))))

    async def _dial(self, uri: str, via: CallbackSettings, language: str) -> None:
        text, language = text_in(via, language)
        try:
            told = await self._ports.prompts.render([Speech(text, language)])
        except IvrError as error:
            self._log.warning("prompt_not_rendered", reason=str(error))
            self._give_back()
            return
        self._said = via.account, text
        self._attempt = attempt_at_caller(via)
        self._legs = PersonLegs(
            self._ports.telephony,
            self._timers,
            LegId(""),
            told,
            lambda number: DialRequest(uri, via.account),
            self._dialled,
            self._advance,
        )
        self._log.info("calling_back")
        self._advance(TargetTurn(_CALLER))

    def _dialled(self, leg_id: LegId) -> None:
        self._leg_id = leg_id
        self._claim(leg_id, self)

    def _recorded(self) -> CallbackRecord:
        """A try that found no leg to call with has no record, as another one is made at once."""
        if self._record is None:
            assert self._call is not None
            self._record = record = CallbackRecord(self._open_notes, self._ports.clock, self._call, *self._said)
            self.monitoring = CallMonitoring(
                self._ports,
                record.call_id,
                self._leg_id,
                self._talk,
                record.notes.step,
                lambda leg_id: self._claim(leg_id, self),
            )
        return self._record

    def _talk(self) -> tuple[LegId | None, str]:
        agent = self._visit.agent_leg if self._visit is not None else None
        return agent, "" if agent else NO_TALK

    @property
    def call_ids(self) -> tuple[str, ...]:
        """The call in which it was asked for, and the one that it is."""
        return (self._call_id, self._record.call_id) if self._record is not None else (self._call_id,)

    def _advance(self, event: TargetEvent) -> None:
        self._attempt, commands = advance_attempt(self._attempt, event)
        for command in commands:
            if isinstance(command, TargetCommand):
                self._legs.perform(command)
        if self._attempt.state is AttemptState.READY:
            self._reached()
        elif self._attempt.state is AttemptState.OVER and not self._is_over:
            if isinstance(event, TargetEnded) and event.had_no_leg:
                self._leg_id = LegId("")  # nobody was called
                self._give_back()
            else:
                self._not_reached(self._attempt.outcome.value)

    def _not_reached(self, why: str) -> None:
        self._log.info("callback_not_reached", why=why)
        if self._leg_id and self._visit is None:
            self._recorded().not_reached(why, self._ended_leg)
        self._clerk.postpone(self._call_id)
        self._close()

    def _give_back(self) -> None:
        """No fault of anybody: another process may try."""
        for ring in self._rings or ():
            self._clerk.refuse(ring.offer_id, NO_LEG)
        self._close()

    # --- the agent

    def _reached(self) -> None:
        call, now = self._call, self._ports.clock.now()
        assert call is not None
        self._recorded().reached()
        player = PromptPlayer(
            self._ports,
            self._leg_id,
            self._tasks,
            lambda *_: None,
            self._log,
            CallMeasures(NoMeasures(), self._ports.clock, "", self._ports.clock.monotonic_s()),
        )
        context = {name: value for name, value in call.context.items() if name != "answers"}
        answers = call.context.get("answers")
        asked = EnterQueue(call.queue, (), context=context, answers=answers if isinstance(answers, dict) else {})
        self._visit = QueueVisit(
            self._ports,
            self._clerk,
            Visitor(call, self._leg_id, asked),
            TransferSounds([self._ports.hold_sound], []),
            player,
            lambda leg_id: self._claim(leg_id, self),
            lambda event: None,
            self._ended,
            self._no_agent,
        )
        self._visit.go_on(self._rings or (), (now - call.arrived_at).total_seconds())

    def _no_agent(self) -> None:
        """None took it while the caller listened to music: let both go, and try again later."""
        assert self._visit is not None
        self._recorded().without_agent()
        self._visit.drop()
        self._ports.telephony.hang_up(self._leg_id)
        self._not_reached("no agent")

    def _ended(self, event: QueueEnded, ended_by: str) -> None:
        self._log.info("callback_ended", outcome=event.outcome, agent=event.agent, ended_by=ended_by)
        self._recorded().talked(event, ended_by, self._ended_leg)
        if self.monitoring is not None:
            self.monitoring.talk_ended()
        self._ports.telephony.hang_up(self._leg_id)
        self._close()

    # --- legs

    def handle(self, event: LegEvent) -> None:
        """An event of one of the legs."""
        if self._is_over:
            return
        if event.leg_id == self._leg_id:
            self._of_caller(event)
        elif self.monitoring is not None:
            self.monitoring.leg_event(event)
        if self._visit is None:
            self._legs.event(event)
        elif event.leg_id != self._leg_id:
            self._visit.agent_event(event)
        elif isinstance(event, LegEnded):
            self._visit.caller_ended()
            if not self._is_over:  # there was no talk
                self._recorded().hung_up(event)
                self._close()

    def _of_caller(self, event: LegEvent) -> None:
        if isinstance(event, LegEnded):
            self._ended_leg = event
        elif isinstance(event, LegRinging):
            self._recorded()
        elif isinstance(event, LegAnswered):
            self._recorded().answered()

    def _close(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        if self._leg_id:
            self._recorded().broke()  # unless it is closed
        self._tasks.cancel()
        self._timers.cancel_all()
        if self._leg_id:
            self._ports.telephony.hang_up(self._leg_id)
        self._clerk.done(self._call_id)
        self._finished(self)
