"""A call without telephone: what the engine asks for is carried out on a virtual clock. Who calls is a `CallScript`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ivr.flow import commands as c
from ivr.flow import engine
from ivr.flow import events as e
from ivr.flow.jobs import JobResult
from ivr.flow.program import Program
from ivr.flow.segments import Segment
from ivr.flow.state import FlowState, Phase
from ivr.testing.clock import ManualClock, ManualTimer
from ivr.testing.job_text import job_text
from ivr.testing.played_queue import PlayedQueue
from ivr.testing.prompts import masked_segments, said_for_s, said_text
from ivr.testing.services import ScriptedJobs
from ivr.testing.turns import Answered, Outside, SaidPrompt, Turn


class PlayedCall:
    """The bot's side of a call: its prompts take their time, its timers fire, what it asks of the world is answered."""

    def __init__(
        self,
        program: Program,
        *,
        deaf: Collection[str] = (),
        jobs: ScriptedJobs | None = None,
        outside: Outside | None = None,
        on_turn: Callable[[Turn], None] | None = None,
        on_step: Callable[[FlowState, engine.Result], None] | None = None,
        said_for_s: Callable[[Sequence[Segment]], float] = said_for_s,
    ) -> None:
        """See `CallScript`."""
        self.program = program
        self.flow = program.main
        self.clock = ManualClock()
        self.state = FlowState()
        self.commands: list[c.Command] = []
        """Everything that the engine asked for."""
        self.record: list[c.NoteStep] = []
        """The lines of the call's record."""
        self.prompts: list[SaidPrompt] = []
        self.turns: list[Turn] = []
        self.is_answered = False
        self.early_prompts = 0
        """How many prompts were begun before the answer."""
        self.refused_with: int | None = None
        """SIP status with which the call was refused; None where it was not."""
        self.hung_up: c.HangUp | None = None
        """The bot's hanging up."""
        self.listened_in: dict[str, None] = {}
        """Every language in which speech was listened for, in order."""
        self.last_words_at = 0
        """How many lines the record had before the last prompt or transfer."""
        self.listening: c.StartListening | None = None
        """What the recognizer was asked for, while it is."""
        self._deaf = frozenset(deaf)
        self._failed_to_listen: list[str] = []
        self._scripted_jobs = jobs or ScriptedJobs()
        self._jobs: dict[str, ManualTimer | None] = {}
        self._known_at_once: list[tuple[str, JobResult, str]] = []
        self._timers: dict[str, ManualTimer] = {}
        self._playing: ManualTimer | None = None
        self._play_began_s = 0.0
        self._recording: c.StartRecording | None = None
        self._recording_timer: ManualTimer | None = None
        self._recording_from_s = 0.0
        self._spoken_s = 0.0
        """How much the caller has said of a message."""
        self._recorded = 0
        self._has_rung = False
        self._outside, self._on_turn, self._on_step = outside, on_turn, on_step
        self._said_for_s = said_for_s
        self._queue = PlayedQueue(self.clock, self.feed, lambda text: self._note("call", f"({text})"))
        self._pending = 0
        """Transfers and recordings whose end is on its way."""

    def feed(self, event: e.Event) -> None:
        """Give the engine an event, and carry out what it asks for."""
        before = self.state
        result = engine.step(self.program, before, event)
        self.state = result.state
        if self._on_step is not None:
            self._on_step(before, result)
        self.commands += result.commands
        for command in result.commands:
            _CARRY_OUT.get(type(command), PlayedCall._ask_outside)(self, command)
        while self._failed_to_listen:
            listen_id = self._failed_to_listen.pop(0)
            self.feed(e.ListeningFailed(self._now_s, listen_id, "no speech model for the language"))
        while self._known_at_once:
            self._job_over(*self._known_at_once.pop(0))

    def goes_on(self, *, in_queue: bool = False) -> bool:
        """Time moves on to whatever comes next, unless it is the caller's turn: False then, and nothing happens.

        `in_queue`: also while he waits for an agent, and may press a key.
        """
        is_going_on = self._is_busy or (in_queue and self._queue.will_end)
        return is_going_on and self.clock.advance_to_next()

    # --- what can be looked at

    @property
    def step(self) -> str:
        """The step that the call is in, once the bot has finished speaking what it has to."""
        return self.state.step

    @property
    def phase(self) -> Phase:
        """What the call is doing."""
        return self.state.phase

    @property
    def variables(self) -> Mapping[str, object]:
        """What the flow knows."""
        return self.state.variables

    @property
    def prompts_heard(self) -> list[str]:
        """What the bot said, one text per prompt."""
        return [prompt.text for prompt in self.prompts]

    @property
    def is_speaking(self) -> bool:
        """Whether the bot is."""
        return self._playing is not None

    @property
    def can_wake(self) -> bool:
        """Whether anything but the caller can move the call on: a prompt, a timer, a person; true once it is over."""
        over_or_away = self.phase in (Phase.ENDED, Phase.TRANSFERRING, Phase.QUEUEING)
        return over_or_away or self.is_speaking or bool(self._timers) or bool(self._jobs)

    @property
    def since_offered_s(self) -> float:
        """Seconds since the call came in."""
        return self._now_s - self.clock.started_s

    @property
    def _now_s(self) -> float:
        return self.clock.monotonic_s()

    @property
    def _is_busy(self) -> bool:
        """Whether the bot speaks, or waits for something that is on its way."""
        if self._playing is not None or self._pending > 0 or self._queue.is_busy or any(self._jobs.values()):
            return True
        state = self.state
        return bool(state.timer_id) and (state.is_unanswered or state.input.is_mistyped)

    def _note(self, who: str, shown: str, remark: str = "") -> None:
        self.turns.append(Turn(who, shown, self.since_offered_s, self.state.step, remark))
        if self._on_turn is not None:
            self._on_turn(self.turns[-1])

    # --- the call itself

    def _note_step(self, command: c.NoteStep) -> None:
        self.record.append(command)

    def _ring(self, command: c.Ring) -> None:
        self._has_rung = True
        self._note("call", "(it rings)")

    def _answer(self, command: c.Answer) -> None:
        if not self.is_answered:
            self.is_answered, self.early_prompts = True, len(self.prompts)
        if self._has_rung:
            self._note("call", "(answered)")

    def _hang_up(self, command: c.HangUp) -> None:
        self.hung_up = self.hung_up or command
        self._queue.gone()
        self._note("call", "(the bot hangs up)")

    def _reject(self, command: c.Reject) -> None:
        self.refused_with = command.sip_status
        self._note("call", f"(refused with SIP {command.sip_status})")

    def _listen(self, command: c.StartListening) -> None:
        self.listening = command
        self.listened_in[command.language] = None
        if command.language in self._deaf:
            self._failed_to_listen.append(command.listen_id)

    def _stop_listening(self, command: c.StopListening) -> None:
        self.listening = None

    def _start_timer(self, command: c.StartTimer) -> None:
        over = partial(self._time_over, command.timer_id)
        self._timers[command.timer_id] = self.clock.call_later(command.after_s, over)

    def _time_over(self, timer_id: str) -> None:
        self._timers.pop(timer_id, None)
        self.feed(e.TimerFired(self._now_s, timer_id))

    def _cancel_timer(self, command: c.CancelTimer) -> None:
        self._timers.pop(command.timer_id).cancel()

    def _nothing(self, command: c.Command) -> None:
        """What is of no consequence here."""

    # --- prompts

    def _play(self, command: c.PlayPrompt) -> None:
        self._stop_prompt(was_cut=True)
        text, seconds = said_text(command.segments), self._said_for_s(command.segments)
        skipped_s = max(0.0, self.prompts[-1].heard_s - c.RESUME_BACK_S) if command.is_resumed else 0.0
        self._play_began_s = self._now_s - skipped_s
        self.prompts.append(SaidPrompt(text, self.since_offered_s))
        self.last_words_at = len(self.record)
        if not self.is_answered:
            self.early_prompts += 1
        self._note("bot", said_text(masked_segments(command.segments)) if self.state.sensitive else text)
        self._playing = self.clock.call_later(seconds - skipped_s, partial(self._prompt_over, command.play_id))

    def _cut_prompt(self, command: c.StopPrompt) -> None:
        self._stop_prompt(was_cut=True)

    def _stop_prompt(self, *, was_cut: bool) -> None:
        if self._playing is not None:
            self._playing.cancel()
            self._playing = None
            said = self.prompts[-1]
            self.prompts[-1] = SaidPrompt(said.text, said.began_s, self._now_s - self._play_began_s, was_cut)

    def _prompt_over(self, play_id: str) -> None:
        self._stop_prompt(was_cut=False)
        self.feed(e.PromptFinished(self._now_s, play_id))

    # --- recordings

    def _start_recording(self, command: c.StartRecording) -> None:
        answered = self._outside(command) if self._outside is not None else None
        if answered is not None:
            self._wait_for_outside(answered)
            return
        self._recording, self._recording_from_s, self._spoken_s = command, self._now_s, 0.0
        self._end_recording_after(command.first_input_timeout_s, e.RecordingEnd.NOTHING)

    def _stop_recording(self, command: c.StopRecording) -> None:
        if self._recording is not None and self._recording.record_id == command.record_id:
            self._stop_recording_timer()
            self._pending += 1
            self.clock.call_later(0.0, self._recording_stopped)

    def _speak_message(self, seconds: float) -> None:
        """The caller speaks into a recording; the silence that ends it is still to come."""
        recording = self._recording
        assert recording is not None
        self._stop_recording_timer()
        longest_s = recording.max_length_s - (self._now_s - self._recording_from_s)
        self._spoken_s += min(seconds, longest_s)
        if seconds >= longest_s:
            self.clock.advance(longest_s)
            self._end_recording(e.RecordingEnd.MAX_LENGTH)
            return
        self.clock.advance(seconds)
        self._end_recording_after(recording.final_silence_s, e.RecordingEnd.SILENCE)

    def _end_recording_after(self, seconds: float, reason: e.RecordingEnd) -> None:
        self._recording_timer = self.clock.call_later(seconds, partial(self._end_recording, reason))

    def _stop_recording_timer(self) -> None:
        if self._recording_timer is not None:
            self._recording_timer.cancel()
            self._recording_timer = None

    def _recording_stopped(self) -> None:
        self._pending -= 1
        self._end_recording(e.RecordingEnd.STOPPED)

    def _end_recording(self, reason: e.RecordingEnd, detail: str = "") -> None:
        recording, self._recording = self._recording, None
        self._stop_recording_timer()
        if recording is not None:
            is_kept = self._spoken_s >= max(recording.min_length_s, 0.01) and reason is not e.RecordingEnd.FAILED
            self._recorded += is_kept
            file = f"{recording.step.replace('/', '-')}-{self._recorded}.wav" if is_kept else ""
            length_s = self._spoken_s if is_kept else 0.0
            self.feed(e.RecordingEnded(self._now_s, recording.record_id, reason, file, length_s, detail))

    # --- the world outside

    def _transfer(self, command: c.StartTransfer) -> None:
        self.last_words_at = len(self.record)
        self._note("call", f"(transfer to {command.names})")
        self._ask_outside(command)

    def _enter_queue(self, command: c.EnterQueue) -> None:
        self.last_words_at = len(self.record)
        self._note("call", f"(waits in the queue {command.queue})")
        self._queue.enter(self._outside(command) if self._outside is not None else None)

    def _leave_queue(self, command: c.LeaveQueue) -> None:
        self._queue.leave(e.QueueOutcome.LEFT)

    def _ask_callback(self, command: c.AskCallback) -> None:
        self._queue.leave(e.QueueOutcome.CALLBACK)

    def _ask_outside(self, command: c.Command) -> None:
        answered = self._outside(command) if self._outside is not None else None
        if answered is not None:
            self._wait_for_outside(answered)

    def _wait_for_outside(self, answered: Answered) -> None:
        self._pending += 1
        self.clock.call_later(answered.after_s, partial(self._outside_over, answered))

    def _outside_over(self, answered: Answered) -> None:
        self._pending -= 1
        if answered.remark:
            self._note("call", f"({answered.remark})")
        self.feed(replace(answered.event, at_s=self._now_s))

    def _start_job(self, command: c.StartJob) -> None:
        self._note("call", f"({job_text(command.job)})")
        self._jobs[command.job_id] = None
        after_s, result, remark = self._answer_to(command)
        if result is None:
            return
        if after_s:
            over = partial(self._job_over, command.job_id, result, remark)
            self._jobs[command.job_id] = self.clock.call_later(after_s, over)
        else:
            self._known_at_once.append((command.job_id, result, remark))

    def _cancel_job(self, command: c.CancelJob) -> None:
        if timer := self._jobs.pop(command.job_id, None):
            timer.cancel()

    def _answer_to(self, command: c.StartJob) -> tuple[float, JobResult | None, str]:
        if self._outside is not None:
            answered = self._outside(command)
            if answered is not None and isinstance(answered.event, e.JobDone):
                return answered.after_s, answered.event.result, answered.remark
            return 0.0, None, ""
        answer = self._scripted_jobs.answer(self.state.step, command.job)
        return (0.0, None, "") if answer is None else (*answer, "")

    def _job_over(self, job_id: str, result: JobResult, remark: str = "") -> None:
        if timer := self._jobs.pop(job_id, None):
            timer.cancel()
        if remark:
            self._note("call", f"({remark})")
        self.feed(e.JobDone(self._now_s, job_id, result))


_CARRY_OUT: dict[type[c.Command], Callable[[PlayedCall, Any], None]] = {
    c.NoteStep: PlayedCall._note_step,
    c.PlayPrompt: PlayedCall._play,
    c.StopPrompt: PlayedCall._cut_prompt,
    c.StartListening: PlayedCall._listen,
    c.EndUtterance: PlayedCall._nothing,
    c.StopListening: PlayedCall._stop_listening,
    c.StartTimer: PlayedCall._start_timer,
    c.CancelTimer: PlayedCall._cancel_timer,
    c.Ring: PlayedCall._ring,
    c.Answer: PlayedCall._answer,
    c.Reject: PlayedCall._reject,
    c.HangUp: PlayedCall._hang_up,
    c.StartEarlyMedia: PlayedCall._nothing,
    c.StartRecording: PlayedCall._start_recording,
    c.StopRecording: PlayedCall._stop_recording,
    c.DropRecording: PlayedCall._nothing,
    c.StartTransfer: PlayedCall._transfer,
    c.EndTransfer: PlayedCall._nothing,
    c.EnterQueue: PlayedCall._enter_queue,
    c.LeaveQueue: PlayedCall._leave_queue,
    c.AskCallback: PlayedCall._ask_callback,
    c.StartJob: PlayedCall._start_job,
    c.CancelJob: PlayedCall._cancel_job,
}
"""The world outside is asked about any other."""
