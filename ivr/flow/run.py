"""One step of the engine in the making: the state as it changes, and the commands gathered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from ivr.flow import commands as c
from ivr.flow.moment import Moment
from ivr.flow.program import Program
from ivr.flow.refusal import status_of_cause
from ivr.flow.segments import Segment
from ivr.flow.state import NOTHING_QUEUED, FlowState, Phase, Queued

TEMPORARY_FAILURE = 41
"""Q.850 cause of a call that the bot could not go on with."""
UNANSWERED_TIMER = "unanswered"
UNANSWERED_LIMIT_S = 170.0
"""A call that is not answered by then is refused: telephone companies and proxies end it after 180 s (RFC 3261 §16.6,
timer C)."""


class Run(Moment):
    """Collects what one event leads to. Lives for one call of `engine.step` only."""

    __slots__ = ("commands", "is_announced", "is_repeat", "target")

    def __init__(self, program: Program, state: FlowState, at_s: float) -> None:
        """The state that is given stays as it is."""
        super().__init__(program, state, at_s)
        self.commands: list[c.Command] = []
        self.target = ""
        """Step that is entered next; empty when the engine waits for an event."""
        self.is_announced = False
        """The step being entered had its say before (see `flush`)."""
        self.is_repeat = False
        """The step is entered because the caller wants to hear it again."""

    def emit(self, command: c.Command) -> None:
        """Add a command."""
        self.commands.append(command)

    def goto(self, target: str) -> None:
        """Enter a step as soon as the current decision is made."""
        self.target = target

    def new_id(self, kind: str) -> str:
        """An id that this call has not used."""
        self.state.counter = number = self.state.counter + 1
        return f"{kind}{number}"

    # --- prompts

    def queue(self, segments: tuple[Segment, ...], barge_in: str) -> None:
        """Keep segments for the next time something is played."""
        self.state.queued = Queued(self.state.queued.segments + segments, barge_in)

    def take_queue(self) -> tuple[Segment, ...]:
        """Empty the queue."""
        segments = self.state.queued.segments
        self.state.queued = NOTHING_QUEUED
        return segments

    def play(self, segments: tuple[Segment, ...], *, is_resumed: bool = False) -> None:
        """Start a prompt, or go on with it; with nothing to say, nothing runs."""
        if not segments or self.state.has_left:
            self.state.play_id = ""
            return
        if self.state.is_unanswered and not self.state.has_early_media:
            self.state.has_early_media = True
            self.emit(c.StartEarlyMedia())
        self.state.play_id = self.new_id("play")
        self.emit(c.PlayPrompt(self.state.play_id, segments, is_resumed))

    def stop_prompt(self) -> None:
        """Silence a running prompt."""
        if self.state.play_id:
            self.state.play_id = ""
            self.emit(c.StopPrompt())

    def flush(self, resume_at: str, *, is_announced: bool = False, then: tuple[Segment, ...] = ()) -> bool:
        """Say what is queued, and `then`, before `resume_at` is entered; False where nothing is queued."""
        queued = self.state.queued
        if not queued.segments or self.state.has_left:
            return False
        self.play(queued.segments + then)
        emptied = Queued((), queued.barge_in)  # how it may be interrupted holds while it is said
        self.state.phase = Phase.SPEAKING
        self.state.resume_at = resume_at
        self.state.is_announced = is_announced
        self.state.queued = emptied
        return True

    # --- listening and timers

    def stop_listening(self) -> None:
        """Close an open listening."""
        if self.state.listen_id:
            self.state.listen_id = ""
            self.emit(c.StopListening())

    def start_timer(self, after_s: float) -> None:
        """Start the one timer of the call, in place of a running one."""
        state = self.state
        if state.timer_id:
            self.commands.append(c.CancelTimer(state.timer_id))
        state.timer_id = self.new_id("timer")
        self.commands.append(c.StartTimer(state.timer_id, after_s))

    def cancel_timer(self) -> None:
        """Stop the timer, if it runs."""
        if self.state.timer_id:
            self.emit(c.CancelTimer(self.state.timer_id))
            self.state.timer_id = ""

    def cancel_job(self) -> None:
        """Wait no longer for work that was given away."""
        if self.state.job_id:
            self.emit(c.CancelJob(self.state.job_id))
            self.state.job_id = ""

    def stop_recording(self) -> None:
        """End a recording in progress; what comes of it is not waited for."""
        if self.state.record_id:
            self.emit(c.StopRecording(self.state.record_id))
            self.state.record_id = ""

    def quiet(self) -> None:
        """Stop prompt, listening, recording, timer and work."""
        state = self.state
        if state.record_id:
            self.stop_recording()
        if state.play_id:
            self.stop_prompt()
        if state.listen_id:
            self.stop_listening()
        if state.timer_id:
            self.cancel_timer()
        if state.job_id:
            self.cancel_job()

    # --- the answer

    def ring(self) -> None:
        """The flow says when the call is answered."""
        self.state.is_unanswered = True
        self.state.phase = Phase.WORKING
        self.emit(c.Ring())
        self.emit(c.StartTimer(UNANSWERED_TIMER, UNANSWERED_LIMIT_S))

    def answer(self) -> None:
        """Answer a call that rings."""
        self._decided()
        self.emit(c.Answer())

    def reject(self, sip_status: int) -> None:
        """Refuse a call that is not answered."""
        self.quiet()
        self._decided()
        self.emit(c.Reject(sip_status))
        self.caller_gone("bot")

    def _decided(self) -> None:
        if self.state.is_unanswered:
            self.state.is_unanswered = False
            self.emit(c.CancelTimer(UNANSWERED_TIMER))

    # --- ends

    def note(
        self,
        kind: str,
        outcome: str,
        *,
        started_at_s: float | None = None,
        attempt: int = 1,
        mode: str = "",
        prompt: str = "",
        heard: str = "",
        meaning: str = "",
        confidence: float | None = None,
        detail: str = "",
    ) -> None:
        """Write a line of the record about the current step."""
        now_s = self.at_s
        since_s = now_s if started_at_s is None else started_at_s
        words = (mode, prompt, heard, meaning)
        self.commands.append(c.NoteStep(self.place, kind, since_s, now_s, attempt, outcome, *words, confidence, detail))

    @property
    def place(self) -> str:
        """The current step, as the record names it: `order/ask_number` for a step of a flow that `order` runs."""
        state = self.state
        return "/".join([*(frame.step for frame in state.frames), state.step]) if state.frames else state.step

    def fail(self, kind: str, reason: str) -> None:
        """Something of ours broke in this step: go where `on_error` says, else end the call."""
        error = {"kind": kind, "step": self.state.step}
        self.note_failure(kind, reason)
        self.quiet()
        if self.state.has_left:
            self.clean_up_over()
            return
        target = self._take_handler()
        if target is None:
            self.end(TEMPORARY_FAILURE)
            return
        self.state.variables = {**self.state.variables, "error": MappingProxyType(error)}
        self.goto(target)

    @property
    def has_handler(self) -> bool:
        """Whether an error in this step leads somewhere that was written for it."""
        return any(key not in self.state.failed for key, _ in self._own_handlers(with_failed=False))

    def _take_handler(self) -> str | None:
        """Where an error leads: `on_error` of the step, of its flow, then of whoever runs it; each once a call."""
        while True:
            for key, target in self._own_handlers():
                if key not in self.state.failed:
                    self.state.failed = self.state.failed | {key}
                    return target
            if not self.state.frames:
                return None
            self.leave_flow()

    def _own_handlers(self, *, with_failed: bool = True) -> Iterator[tuple[str, str]]:
        """Handlers of the current step and flow, each with a name for "was taken already"."""
        state, flow = self.state, self.flow
        step = self.steps.get(state.step)
        if step is not None and step.on_error:
            yield f"{state.flow}/{state.step}", step.on_error
        target = flow.on_error or (flow.defaults.failed if with_failed else None)
        if target:
            yield f"{state.flow}/", target

    def note_failure(self, kind: str, reason: str) -> None:
        """Write down that something of ours broke. Reasons quote the values that they stumbled over."""
        shown = "details left out: they may hold a sensitive value" if self.state.sensitive else reason
        self.note(kind, "error", detail=shown)

    def end(self, hangup_cause: int | None = None, *, ended_by: str = "bot") -> None:
        """Hang up; a call that was not answered yet is refused."""
        if self.state.is_unanswered:
            self.reject(status_of_cause(hangup_cause))
            return
        self.quiet()
        self.target = ""
        if self.state.has_left:
            self.state.phase = Phase.ENDED
            return
        self.emit(c.HangUp(hangup_cause))
        self.caller_gone(ended_by)

    def caller_gone(self, ended_by: str) -> None:
        """The caller is not there any more; what a flow does without him follows (`on_hang_up`)."""
        self._decided()
        self.target = ""
        known = self.state.variables.get("call")
        call = MappingProxyType({**(known if isinstance(known, Mapping) else {}), "ended_by": ended_by})
        self.state.has_left = True
        self.state.phase = Phase.WORKING
        self.state.queued = NOTHING_QUEUED
        self.state.typed_ahead = ""
        self.state.resume_at = ""
        self.state.steps_without_input = 0
        self.state.variables = {**self.state.variables, "call": call}
        self._clean_up(ended_by)

    def _clean_up(self, ended_by: str) -> None:
        after = self.flow.on_hang_up
        if after is not None and (after.always or ended_by == "caller"):
            self.goto(after.go)
        else:
            self.clean_up_over()

    def clean_up_over(self) -> None:
        """The clean-up of this flow is done: that of the flow which runs it follows, or nothing."""
        self.quiet()
        self.target = ""
        if not self.state.frames:
            self.state.phase = Phase.ENDED
            return
        self.leave_flow()
        call = self.state.variables.get("call")
        self._clean_up(str(call.get("ended_by", "")) if isinstance(call, Mapping) else "")
