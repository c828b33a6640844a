"""One live call: carries events of the leg to the dialog engine and the engine's commands to the ports.

It decides nothing about the dialog. Runs on the event loop's thread only; every method returns at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from ivr.calls.call_limit import CallLimit
from ivr.calls.call_measures import CallMeasures
from ivr.calls.call_monitoring import CallMonitoring
from ivr.calls.call_ports import CallPorts, CallTasks
from ivr.calls.call_queueing import CallQueueing
from ivr.calls.call_recorder import CallRecorder
from ivr.calls.call_transfers import CallTransfers
from ivr.calls.early_media import EarlyMedia
from ivr.calls.jobs import CallJobs
from ivr.calls.listener import Listener
from ivr.calls.note import CallNotes, Ending, ending_of
from ivr.calls.offering import call_offered
from ivr.calls.prompt_player import PromptPlayer
from ivr.calls.returning import Returned
from ivr.calls.timers import NamedTimers
from ivr.calls.transfer_commands import Report
from ivr.flow import commands as c
from ivr.flow import engine
from ivr.flow import events as e
from ivr.flow.digits import KeyFilter
from ivr.flow.jobs import JobResult
from ivr.flow.moment import masked
from ivr.flow.program import Program
from ivr.flow.run import TEMPORARY_FAILURE
from ivr.flow.state import FlowState, Phase
from ivr.ports import (
    EndReason,
    KeyPressed,
    LegAnswered,
    LegEarlyMedia,
    LegEnded,
    LegEvent,
    LegId,
    LegOffered,
    PlayFailed,
    PlayFinished,
)

AFTERWARDS_LIMIT_S = 15.0
"""What a flow does after the caller left (`on_hang_up`) gets so long; then the record is closed all the same."""

_WITHOUT_CALLER = (c.StartTimer, c.CancelTimer)
"""Commands that mean something when the caller's leg is gone."""


class CallDriver:
    """Leads one caller through one flow."""

    def __init__(
        self,
        ports: CallPorts,
        call_id: str,
        program: Program,
        offered: LegOffered,
        notes: CallNotes,
        claim: Callable[[LegId, CallDriver], None],
        finished: Callable[[CallDriver], None],
    ) -> None:
        """`claim` registers a further leg whose events belong here; `finished` is called once, at the very end."""
        self.call_id, self.leg_id, self.offered, self.program = call_id, offered.leg_id, offered, program
        self.state = FlowState()
        self.sent_away: FlowState | None = None
        """Where the flow stood when the caller was sent away by a blind REFER; he may come back as another call."""
        self._ports, self._notes = ports, notes
        self._claim, self._finished = claim, finished
        self._timers = NamedTimers(ports.timers)
        self._inbox: deque[e.Event] = deque()
        self._is_stepping = self._has_rung = self._is_answering = self._is_answered = False
        self._held_back: list[c.Command] = []
        self._keys = KeyFilter(open_since_s=float("inf"))
        self._ending: Ending | None = None
        self._over: Ending | None = None
        """The caller's leg is gone; the flow may still be at work."""
        self._is_closed = False
        self._left: LegEnded | None = None
        """The caller's leg ended while a transfer or a recording was still to say what became of it."""
        self._log = structlog.get_logger(__name__).bind(call_id=call_id, flow=program.main.flow)
        self._tasks = CallTasks(call_id, self.fail)
        self._measures = CallMeasures(ports.measures, ports.clock, program.main.flow, offered.at_s)
        self._player = PromptPlayer(
            ports,
            self.leg_id,
            self._tasks,
            self._not_rendered,
            self._log,
            self._measures,
            speaks_values=program.speaks_values,
        )
        self._transfers = CallTransfers(
            ports, call_id, offered, self._claim_leg, self._transfer_over, self._player, self._tasks, self._log
        )
        self._queueing = CallQueueing(
            ports, call_id, offered, self._claim_leg, self._feed, self._queue_over, self._player, self._tasks, self._log
        )
        self.monitoring = CallMonitoring(ports, call_id, self.leg_id, self._talk, notes.step, self._claim_leg)
        """Who takes part in the talk with a person."""
        self._early_media = EarlyMedia(ports, self.leg_id, self._unheard, self._log)
        self._listener = Listener(ports, self.leg_id, self._feed, self._log)
        self._recorder = CallRecorder(ports, self.leg_id, call_id, self._recorded, self._log)
        self._jobs = CallJobs(ports.services, call_id, self._job_done)
        self._limit = CallLimit(
            ports.timers,
            ports.longest_call_s,
            is_with_others=lambda: self.state.phase is Phase.TRANSFERRING or self._queueing.is_talking,
            say_goodbye=self._too_long,
            hang_up=self.hang_up,
        )

    # --- in: from the registry

    def start(self, returned: Returned | None = None) -> None:
        """Take the offered call up, from where an earlier call left off if the caller came back from a transfer."""
        self._feed(call_offered(self.offered, returned or Returned(), self._now_s(), self._ports.local_now()))

    def handle(self, event: LegEvent) -> None:
        """An event of one of the call's legs."""
        if event.leg_id != self.leg_id:
            self.monitoring.leg_event(event)
            self._transfers.target_event(event)
            self._queueing.agent_event(event)
            return
        self._transfers.caller_event(event)
        self._queueing.caller_event(event)
        match event:
            case LegEarlyMedia():
                self._early_media.is_up()
            case LegAnswered():
                self._answered(event)
            case KeyPressed():
                self._key(event)
            case PlayFinished(play_id=play_id) if play_id == self._player.play_id:
                if not self._player.goes_on():
                    self._feed(e.PromptFinished(event.at_s, play_id))
            case PlayFailed(play_id=play_id, reason=reason) if play_id == self._player.play_id:
                self._log.warning("prompt_failed", reason=reason)
                self._player.failed()
                self._feed(e.PromptFailed(event.at_s, play_id, reason))
            case LegEnded():
                self._leg_ended(event)

    def hang_up(self) -> None:
        """End the call from outside (shutdown)."""
        self._ending = self._ending or Ending(EndReason.BOT_HUNG_UP, "bot")
        if self._over is None:
            self._ports.telephony.hang_up(self.leg_id)

    def give_up(self) -> None:
        """Close the record of a caller who is gone, whatever the flow still does (shutdown)."""
        if self._over is not None:
            self._close(self._over)

    # --- events to the engine

    def _now_s(self) -> float:
        return self._ports.clock.monotonic_s()

    def _feed(self, event: e.Event) -> None:
        """Give the engine an event; events that arise while it is at work wait their turn."""
        self._inbox.append(event)
        self._work([])

    def _work(self, commands: Sequence[c.Command]) -> None:
        """Perform commands, and whatever the engine makes of events that arise from them, in order.

        Timers, the recognizer and the telephony all end here: a mistake of ours must not leave a caller in silence.
        """
        if self._is_stepping:
            return
        self._is_stepping = True
        try:
            self._perform_all(commands)
            while self._inbox:
                result = engine.step(self.program, self.state, self._inbox.popleft())
                self.state = result.state
                self._perform_all(result.commands)
        except Exception:
            self.fail()
        finally:
            self._is_stepping = False
        self._close_when_done()

    def _perform_all(self, commands: Sequence[c.Command]) -> None:
        for command in commands:
            self._perform(command)

    def fail(self) -> None:
        """Something of ours broke: log the exception in progress, and end this call, and only this one."""
        self._log.exception("call_failed")
        self._inbox.clear()
        self.state = replace(self.state, phase=Phase.ENDED)
        self._ending = self._ending or Ending(EndReason.FAILED, "bot")
        if self._over is not None:
            self._close_when_done()
        elif self._is_answered:
            self._ports.telephony.hang_up(self.leg_id, TEMPORARY_FAILURE)
        else:
            self._ports.telephony.reject(self.leg_id, 500)

    def _answered(self, event: LegAnswered) -> None:
        self._is_answered = True
        self._limit.start()
        self._early_media.over()
        self._player.audio_up(self._now_s())
        self._notes.answered()
        self._keys = KeyFilter(open_since_s=event.at_s)
        held_back, self._held_back = self._held_back, []
        self._work(held_back)

    def _key(self, event: KeyPressed) -> None:
        since_open_s = event.at_s - self._keys.open_since_s
        counts, self._keys = self._keys.accept(event.digit, event.method, event.at_s, event.held_s)
        self._log.debug("key", method=event.method, held_s=event.held_s, since_open_s=since_open_s, counts=counts)
        if counts and not (self._transfers.is_running or self._queueing.is_talking):
            self._feed(e.DigitPressed(event.at_s, event.digit))

    def _too_long(self) -> None:
        self._log.info("call_too_long", step=self.state.step, limit_s=self._ports.longest_call_s)
        self._ending = self._ending or Ending(EndReason.TOO_LONG, "bot")
        self._queueing.stop()
        self._feed(e.CallTooLong(self._now_s()))

    def _leg_ended(self, event: LegEnded) -> None:
        self._limit.stop()
        if self._transfers.is_running:  # both may be leaving for each other: the transfer will say
            self._left = event
            return
        if self._recorder.is_open:  # what the caller said is kept first
            self._left = event
            self._recorder.hang_up()
            return
        self._over = self._ending = ending_of(event, self._ending, self._transfers.target or self._queueing.agent)
        self._early_media.over()
        self._listener.stop()
        self._tasks.cancel()
        self._feed(e.CallerHungUp(event.at_s))
        if not self._is_closed:
            self._timers.start("afterwards", AFTERWARDS_LIMIT_S, self._out_of_time)

    def _recorded(self, event: e.Event) -> None:
        self._feed(event)
        if self._left is not None:
            self._leg_ended(self._left)

    def _out_of_time(self) -> None:
        self._log.warning("on_hang_up_took_too_long", step=self.state.step, limit_s=AFTERWARDS_LIMIT_S)
        self.give_up()

    def _close_when_done(self) -> None:
        """The caller is gone and the flow has nothing left to do."""
        if self._over is not None and self.state.phase is Phase.ENDED:
            self._close(self._over)

    def _close(self, ending: Ending) -> None:
        """Let everything go and close the record."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            self.monitoring.talk_ended()
            self._jobs.stop()
            self._timers.cancel_all()
            self._tasks.cancel()
            self._notes.ended(ending, masked(self.state), self.state.tags)
            self._measures.ended(ending)
            self._log.info("call_ended", **ending.told())
        finally:
            self._finished(self)

    # --- commands to the ports

    def _perform(self, command: c.Command) -> None:
        if isinstance(command, c.NoteStep):
            self._notes.step(command)
        elif isinstance(command, c.NoteAnswer):
            self._notes.answer(command)
        elif isinstance(command, c.Ring):
            self._has_rung = True
            self._ports.telephony.ring(self.leg_id)
        elif isinstance(command, c.Answer):
            self._is_answering = True
            self._tasks.start(self._answer_when_ready())
        elif isinstance(command, c.Reject):
            self._ending = Ending(EndReason.REJECTED, "bot", command.sip_status)
            self._ports.telephony.reject(self.leg_id, command.sip_status)
        elif isinstance(command, c.StartJob):
            self._jobs.start(command)
        elif isinstance(command, c.CancelJob):
            self._jobs.cancel(command.job_id)
        elif self._over is not None:
            if isinstance(command, _WITHOUT_CALLER):
                self._perform_now(command)
        elif self._is_answering and not self._is_answered:
            self._held_back.append(command)
        else:
            self._perform_now(command)

    def _perform_now(self, command: c.Command) -> None:
        match command:
            case c.StartEarlyMedia():
                self._player.audio_up(self._now_s())
                self._early_media.start()
            case c.PlayPrompt(play_id=play_id, segments=segments, is_resumed=is_resumed):
                self._player.play(play_id, segments, is_resumed=is_resumed)
                self._early_media.played(play_id)
            case c.StopPrompt():
                self._player.stop()
            case c.StartListening():
                self._listener.listen(command)
            case c.EndUtterance():
                self._listener.end_utterance()
            case c.StopListening():
                self._listener.stop()
            case c.StartTimer(timer_id=timer_id, after_s=after_s):
                self._timers.start(timer_id, after_s, lambda: self._feed(e.TimerFired(self._now_s(), timer_id)))
            case c.CancelTimer(timer_id=timer_id):
                self._timers.cancel(timer_id)
            case c.StartRecording() | c.StopRecording() | c.DropRecording():
                self._recorder.perform(command)
            case c.StartTransfer():
                self._start_transfer(command)
            case c.EndTransfer():
                self._transfers.end()
            case c.EnterQueue() | c.AskStanding() | c.LeaveQueue() | c.AskCallback():
                self._queueing.perform(command)
            case c.HangUp(hangup_cause=cause):
                self._ending = self._ending or Ending(EndReason.BOT_HUNG_UP, "bot", hangup_cause=cause)
                self._ports.telephony.hang_up(self.leg_id, cause)

    def _job_done(self, job_id: str, result: JobResult) -> None:
        self._feed(e.JobDone(self._now_s(), job_id, result))

    async def _answer_when_ready(self) -> None:
        """Answer once the first prompt can be played without delay."""
        greeting = next((held for held in self._held_back if isinstance(held, c.PlayPrompt)), None)
        if greeting is not None:
            await self._player.prepare(greeting.segments, rings=not self._has_rung)
        self._measures.answering()
        self._ports.telephony.answer(self.leg_id)

    def _unheard(self, play_id: str) -> None:
        """A prompt before the answer that the caller cannot hear."""
        if self._player.play_id and play_id in ("", self._player.play_id):
            unheard = self._player.play_id
            self._player.stop()
            self._feed(e.PromptFinished(self._now_s(), unheard))

    def _not_rendered(self, play_id: str, reason: str) -> None:
        self._feed(e.PromptFailed(self._now_s(), play_id, reason))

    # --- transfer

    def _start_transfer(self, command: c.StartTransfer) -> None:
        self.sent_away = self.state if command.mode == "refer" else None
        self._transfers.start(command)

    def _claim_leg(self, leg_id: LegId) -> None:
        self._claim(leg_id, self)

    def _transfer_over(self, report: Report) -> None:
        self.monitoring.talk_ended()
        self._keys = KeyFilter(open_since_s=self._now_s())
        self._measures.transferred(report.outcome.value)
        is_connected = report.outcome is e.TransferOutcome.CONNECTED
        if is_connected:
            self._ending = Ending(EndReason.TRANSFERRED, report.ended_by or "bot")
        if is_connected or report.ended_by != "caller":  # a caller who left is told to the engine as that
            self.sent_away = self.sent_away if is_connected else None
            self._feed(e.TransferEnded(self._now_s(), report.outcome, report.detail, self._transfers.target))
        if self._left is not None:
            self._leg_ended(self._left)

    def _talk(self) -> tuple[LegId | None, str]:
        agent = self._queueing.agent_leg
        return self._transfers.talk if agent is None else (agent, "")

    def _queue_over(self, ended: e.QueueEnded, ended_by: str) -> None:
        self.monitoring.talk_ended()
        if ended_by:
            self._keys = KeyFilter(open_since_s=self._now_s())
        if ended.outcome is e.QueueOutcome.CONNECTED:
            self._ending = Ending(EndReason.TRANSFERRED, ended_by)
        self._feed(ended)
