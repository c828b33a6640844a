"""One live call: carries events of the leg to the dialog engine and the engine's commands to the ports.

It decides nothing about the dialog. Runs on the event loop's thread only; every method returns at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog

from ivr.calls.note import CallNotes, Ending
from ivr.calls.returning import Returned
from ivr.calls.timers import TimerHandle, Timers
from ivr.calls.transfer import Report, TransferMachine
from ivr.calls.transfer_driver import TransferDriver, TransferTarget
from ivr.errors import IvrError, SpeechError
from ivr.flow import commands as c
from ivr.flow import engine
from ivr.flow import events as e
from ivr.flow.digits import KeyFilter
from ivr.flow.model import Flow
from ivr.flow.run import masked
from ivr.flow.segments import Segment
from ivr.flow.state import FlowState, Phase
from ivr.ports import (
    Clock,
    EndedBy,
    EndReason,
    KeyPressed,
    LegAnswered,
    LegEnded,
    LegEvent,
    LegId,
    LegOffered,
    ListenRequest,
    PlayFailed,
    PlayFinished,
    PromptStore,
    RecognitionFailed,
    Recognizer,
    RecognizerEvent,
    RecognizerStream,
    SpeechDetected,
    Telephony,
    TranscriptReady,
)

GREETING_LIMIT_S = 2.0
"""A greeting that is not rendered by then does not hold the answer up any longer."""

TEMPORARY_FAILURE = 41
"""Q.850 cause of a call that we could not go on with."""

_ENDINGS: Mapping[EndedBy, Ending] = {
    EndedBy.REMOTE: Ending(EndReason.CALLER_HUNG_UP, "caller"),
    EndedBy.NETWORK: Ending(EndReason.FAILED, "network"),
    EndedBy.LOCAL: Ending(EndReason.FAILED, "bot"),
}
"""What the end of the caller's leg means where nobody here asked for it."""


@dataclass(frozen=True)
class CallPorts:
    """What every call of a worker shares."""

    telephony: Telephony
    recognizer: Recognizer | None
    prompts: PromptStore
    clock: Clock
    timers: Timers
    call_soon: Callable[[Callable[[], None]], object]
    """Runs a callback on the loop's thread; may be called from any thread."""
    targets: Mapping[str, TransferTarget]
    hold_sound: Path
    lead_in_s: float


@dataclass
class _Live:
    """What is open in the ports right now."""

    stream: RecognizerStream | None = None
    timers: dict[str, TimerHandle] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    play_id: str = ""
    transfer: TransferDriver | None = None


class CallDriver:
    """Leads one caller through one flow."""

    def __init__(
        self,
        ports: CallPorts,
        call_id: str,
        flow: Flow,
        offered: LegOffered,
        notes: CallNotes,
        claim: Callable[[LegId, CallDriver], None],
        finished: Callable[[CallDriver], None],
    ) -> None:
        """`claim` registers a further leg whose events belong here; `finished` is called once, at the very end."""
        self.call_id, self.leg_id, self.offered, self.flow = call_id, offered.leg_id, offered, flow
        self.state = FlowState()
        self.transfer_target = ""
        self._ports, self._notes = ports, notes
        self._claim, self._finished = claim, finished
        self._live = _Live()
        self._inbox: deque[e.Event] = deque()
        self._is_stepping = False
        self._answered_at_s: float | None = None
        self._held_back: list[c.Command] = []
        self._keys = KeyFilter(open_since_s=float("inf"))
        self._ending: Ending | None = None
        self._left: LegEnded | None = None
        """The caller's leg ended while a transfer was still to say what became of it."""
        self._log = structlog.get_logger(__name__).bind(call_id=call_id, flow=flow.flow)

    # --- in: from the registry

    def start(self, returned: Returned | None = None) -> None:
        """Take the offered call up, from where an earlier call left off if the caller came back from a transfer."""
        offered, back = self.offered, returned or Returned()
        self._feed(
            e.CallOffered(
                self._now_s(),
                offered.ani,
                offered.dnis,
                offered.ani_name,
                back.variables,
                back.sensitive,
                back.language,
                back.resume_at,
                back.result,
            )
        )

    def handle(self, event: LegEvent) -> None:
        """An event of one of the call's legs."""
        if event.leg_id != self.leg_id:
            if self._live.transfer is not None:
                self._live.transfer.target_event(event)
            return
        if self._live.transfer is not None:
            self._live.transfer.caller_event(event)
        match event:
            case LegAnswered():
                self._answered(event)
            case KeyPressed():
                self._key(event)
            case PlayFinished(play_id=play_id) if play_id == self._live.play_id:
                self._feed(e.PromptFinished(event.at_s, play_id))
            case PlayFailed(play_id=play_id, reason=reason) if play_id == self._live.play_id:
                self._log.warning("prompt_failed", reason=reason)
                self._feed(e.PromptFailed(event.at_s, play_id, reason))
            case LegEnded():
                self._leg_ended(event)

    def hang_up(self) -> None:
        """End the call from outside (shutdown)."""
        self._ending = self._ending or Ending(EndReason.BOT_HUNG_UP, "bot")
        self._ports.telephony.hang_up(self.leg_id)

    @property
    def _is_answered(self) -> bool:
        return self._answered_at_s is not None

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
                result = engine.step(self.flow, self.state, self._inbox.popleft())
                self.state = result.state
                self._perform_all(result.commands)
        except Exception:
            self.fail()
        finally:
            self._is_stepping = False

    def _perform_all(self, commands: Sequence[c.Command]) -> None:
        for command in commands:
            self._perform(command)

    def fail(self) -> None:
        """Something of ours broke: log the exception in progress, and end this call, and only this one."""
        self._log.exception("call_failed")
        self._inbox.clear()
        self.state = replace(self.state, phase=Phase.ENDED)
        self._ending = self._ending or Ending(EndReason.FAILED, "bot")
        if self._is_answered:
            self._ports.telephony.hang_up(self.leg_id, TEMPORARY_FAILURE)
        else:
            self._ports.telephony.reject(self.leg_id, 500)

    def _answered(self, event: LegAnswered) -> None:
        self._answered_at_s = self._now_s()
        self._notes.answered()
        self._keys = KeyFilter(open_since_s=event.at_s)
        held_back, self._held_back = self._held_back, []
        self._work(held_back)

    def _key(self, event: KeyPressed) -> None:
        since_open_s = event.at_s - self._keys.open_since_s
        counts, self._keys = self._keys.accept(event.digit, event.method, event.at_s, event.held_s)
        self._log.debug("key", method=event.method, held_s=event.held_s, since_open_s=since_open_s, counts=counts)
        if counts and self._live.transfer is None:
            self._feed(e.DigitPressed(event.at_s, event.digit))

    def _leg_ended(self, event: LegEnded) -> None:
        if self._live.transfer is not None:  # both may be leaving for each other: the transfer will say
            self._left = event
            return
        self._feed(e.CallerHungUp(event.at_s))
        known = self._ending or _ENDINGS[event.ended_by]
        cause = event.hangup_cause if known.hangup_cause is None else known.hangup_cause
        self._ending = replace(known, sip_status=event.sip_status, hangup_cause=cause)
        try:
            self._close(self._ending)
        finally:
            self._finished(self)

    def _close(self, ending: Ending) -> None:
        """Let everything go and close the record."""
        self._stop_listening()
        for timer in self._live.timers.values():
            timer.cancel()
        for task in self._live.tasks:
            task.cancel()
        self._notes.ended(ending, masked(self.state))
        self._log.info("call_ended", reason=ending.reason, ended_by=ending.ended_by)

    # --- commands to the ports

    def _perform(self, command: c.Command) -> None:
        if isinstance(command, c.NoteStep):
            self._notes.step(command)
        elif isinstance(command, c.Answer):
            self._answer_when_ready()
        elif isinstance(command, c.Reject):
            self._ending = Ending(EndReason.REJECTED, "bot", command.sip_status)
            self._ports.telephony.reject(self.leg_id, command.sip_status)
        elif not self._is_answered:
            self._held_back.append(command)
        else:
            self._perform_answered(command)

    def _perform_answered(self, command: c.Command) -> None:
        match command:
            case c.PlayPrompt():
                self._play(command)
            case c.StopPrompt():
                self._live.play_id = ""
                self._ports.telephony.stop_playing(self.leg_id)
            case c.StartListening():
                self._listen(command)
            case c.StopListening():
                self._stop_listening()
            case c.StartTimer(timer_id=timer_id, after_s=after_s):
                self._live.timers[timer_id] = self._ports.timers.call_later(after_s, lambda: self._time_over(timer_id))
            case c.CancelTimer(timer_id=timer_id):
                if timer := self._live.timers.pop(timer_id, None):
                    timer.cancel()
            case c.StartTransfer():
                self._transfer(command)
            case c.HangUp(hangup_cause=cause):
                self._ending = self._ending or Ending(EndReason.BOT_HUNG_UP, "bot", hangup_cause=cause)
                self._ports.telephony.hang_up(self.leg_id, cause)

    def _time_over(self, timer_id: str) -> None:
        self._live.timers.pop(timer_id, None)
        self._feed(e.TimerFired(self._now_s(), timer_id))

    # --- speaking

    def _answer_when_ready(self) -> None:
        """Answer once the first prompt can be played without delay."""
        self._task(self._prepare_and_answer())

    async def _prepare_and_answer(self) -> None:
        greeting = next((held for held in self._held_back if isinstance(held, c.PlayPrompt)), None)
        if greeting is not None and self._ports.prompts.cached(greeting.segments) is None:
            self._ports.telephony.ring(self.leg_id)
            try:
                await asyncio.wait_for(self._ports.prompts.render(greeting.segments), GREETING_LIMIT_S)
            except (IvrError, TimeoutError) as error:
                self._log.warning("greeting_not_ready", reason=str(error))
        self._ports.telephony.answer(self.leg_id)

    def _play(self, command: c.PlayPrompt) -> None:
        self._live.play_id = command.play_id
        files = self._ports.prompts.cached(command.segments)
        if files is None:
            self._task(self._render_and_play(command.play_id, command.segments))
        else:
            self._play_files(command.play_id, files)

    async def _render_and_play(self, play_id: str, segments: tuple[Segment, ...]) -> None:
        try:
            files = await self._ports.prompts.render(segments)
        except IvrError as error:
            self._log.warning("prompt_not_rendered", reason=str(error))
            if self._live.play_id == play_id:
                self._feed(e.PromptFailed(self._now_s(), play_id, str(error)))
            return
        if self._live.play_id == play_id:
            self._play_files(play_id, files)

    def _play_files(self, play_id: str, files: list[Path]) -> None:
        since_answer_s = self._now_s() - (self._answered_at_s or 0.0)
        lead_in_s = max(0.0, self._ports.lead_in_s - since_answer_s)
        self._ports.telephony.play(self.leg_id, play_id, files, lead_in_s=lead_in_s)

    def _task(self, coroutine: Coroutine[None, None, None]) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(self._run_task(coroutine))
        self._live.tasks.add(task)
        task.add_done_callback(self._live.tasks.discard)

    async def _run_task(self, coroutine: Coroutine[None, None, None]) -> None:
        try:
            await coroutine
        except Exception:
            self.fail()

    # --- listening

    def _listen(self, command: c.StartListening) -> None:
        self._stop_listening()
        request = ListenRequest(
            listen_id=command.listen_id,
            language=command.language,
            phrases=command.phrases,
            allow_unknown=command.allow_unknown,
            final_silence_s=command.final_silence_s,
            max_speech_duration_s=command.max_speech_duration_s,
            is_sensitive=command.is_sensitive,
        )

        def report(event: RecognizerEvent) -> None:
            self._ports.call_soon(lambda: self._heard(event))

        try:
            if self._ports.recognizer is None:
                raise SpeechError("speech recognition is switched off")
            self._live.stream = self._ports.recognizer.open(request, self._ports.telephony.sample_rate_hz, report)
        except SpeechError as error:
            self._log.warning("cannot_listen", language=command.language, reason=str(error))
            self._feed(e.ListeningFailed(self._now_s(), command.listen_id, str(error)))
            return
        self._ports.telephony.listen(self.leg_id, self._live.stream)

    def _stop_listening(self) -> None:
        if self._live.stream is not None:
            self._ports.telephony.listen(self.leg_id, None)
            self._live.stream.close()
            self._live.stream = None

    def _heard(self, event: RecognizerEvent) -> None:
        match event:
            case SpeechDetected(listen_id=listen_id):
                self._feed(e.SpeechStarted(event.at_s, listen_id))
            case TranscriptReady(listen_id=listen_id, text=text, confidence=confidence, is_final=True):
                self._feed(e.UtteranceHeard(event.at_s, listen_id, text, confidence))
            case RecognitionFailed(listen_id=listen_id, reason=reason):
                self._log.warning("recognition_failed", reason=reason)
                self._feed(e.ListeningFailed(event.at_s, listen_id, reason))

    # --- transfer

    def _transfer(self, command: c.StartTransfer) -> None:
        target = self._ports.targets.get(command.to)
        if target is None:
            self._log.error("unknown_target", target=command.to)
            self._feed(e.TransferEnded(self._now_s(), e.TransferOutcome.UNKNOWN, "target is not configured"))
            return
        self.transfer_target = command.to
        self._live.play_id = ""
        self._live.transfer = TransferDriver(
            self._ports.telephony,
            self._ports.timers,
            self.leg_id,
            target,
            TransferMachine(command.mode, command.ring_for_s),
            (self._ports.prompts.cached(command.hold) if command.hold else None) or [self._ports.hold_sound],
            self._transfer_over,
            lambda leg_id: self._claim(leg_id, self),
            headers={"X-Call-Id": self.call_id},
        )
        self._log.info("transfer_started", target=command.to, mode=command.mode)
        self._live.transfer.start()

    def _transfer_over(self, report: Report) -> None:
        self._live.transfer = None
        self._keys = KeyFilter(open_since_s=self._now_s())
        self._log.info("transfer_ended", outcome=report.outcome, detail=report.detail)
        is_connected = report.outcome is e.TransferOutcome.CONNECTED
        if is_connected:
            ended_by = report.ended_by or "bot"
            self._ending = Ending(EndReason.TRANSFERRED, ended_by, transfer_target=self.transfer_target)
        if is_connected or report.ended_by != "caller":  # a caller who left is told to the engine as that
            self._feed(e.TransferEnded(self._now_s(), report.outcome, report.detail))
        if self._left is not None:
            self._leg_ended(self._left)
