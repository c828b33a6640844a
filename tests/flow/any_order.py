"""A call in which anything may happen at any moment, and which watches that the engine keeps its promises.

Stands in for driver and telephone at once: carries out what the engine asks for, on virtual time, and refuses what
makes no sense, such as a prompt for a call that is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ivr.flow import commands as c
from ivr.flow import engine
from ivr.flow import events as e
from ivr.flow.jobs import JobOutcome, JobResult
from ivr.flow.program import Program
from ivr.flow.run import UNANSWERED_TIMER
from ivr.flow.state import FlowState, Phase
from tests.flow.made_flows import WORDS

PROMPT_S = 2.0
"""How long every prompt lasts."""
MOST_COMMANDS = 2000
"""One event leads to fewer: the engine enters 200 steps without the caller, no more."""

SAID = (
    "", "[unk]", *WORDS, "yes", "no", "no blue", "ja", "nein", "one", "one two", "three four", "five hundred", "fünf",
    "tomorrow", "next friday", "am dritten mai", "eight", "half past eight", "twelve dollars", "zwölf euro",
    "zero three zero one two three four five six", "red and no blue", "the second one", "[unk] red",
)  # fmt: skip
ENDS_OF_RECORDINGS = [end for end in e.RecordingEnd if end is not e.RecordingEnd.HUNG_UP]
TALKS_END = (e.QueueOutcome.CONNECTED, e.QueueOutcome.AFTER, e.QueueOutcome.RETURNED)
WAITS_END = (e.QueueOutcome.FULL, e.QueueOutcome.TOO_LONG, e.QueueOutcome.FAILED, e.QueueOutcome.LEFT)
PRESSED = "0123456789*#A"
DATA: tuple[object, ...] = (None, {}, {"x": {"y": 1}, "z": "red"}, ["red", "blue"], "x", {"state": "open"}, 7)

WHAT = (
    "key", "key", "key", "speech", "speech", "utterance", "utterance", "utterance", "time", "time", "time", "time",
    "deaf", "prompt_failed", "job", "job", "recording", "transfer", "transfer",
    "queue", "queue", "queue", "stale", "again", "hang_up",
)  # fmt: skip
"""What can happen; what is named more often happens more often."""

Happening = tuple[str, int]
"""One of `WHAT`, and a number that says how."""


@dataclass
class AnyCall:
    """A call through a program, with what is going on at the telephone."""

    program: Program
    state: FlowState = field(default_factory=FlowState)
    now_s: float = 0.0
    is_answered: bool = False
    has_early_media: bool = False
    is_over: bool = False
    """The caller is not there any more."""
    is_leaving: bool = False
    """The end of the recording was reported, that of the call comes next."""
    playing: str = ""
    prompt_ends_s: float = 0.0
    listening: str = ""
    timers: dict[str, float] = field(default_factory=dict)
    jobs: set[str] = field(default_factory=set)
    recording: str = ""
    is_stopped: bool = False
    """The recording is to end, and has not reported so."""
    is_transferring: bool = False
    in_queue: str = ""
    """`waiting`, `leaving` or `talking`."""
    log: list[str] = field(default_factory=list)

    # --- what happens

    def offered(self) -> AnyCall:
        """It comes in."""
        now = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
        self.feed(e.CallOffered(self.now_s, ani="+4930123456", dnis="100", now=now))
        return self

    def happens(self, what: str, how: int) -> None:
        """One thing out of `WHAT`. What cannot happen now is left out."""
        if what in ("key", "speech", "utterance", "hang_up") and self.is_over:
            return
        match what:
            case "key":
                self.feed(e.DigitPressed(self.now_s, PRESSED[how % len(PRESSED)]))
            case "speech":
                self.feed(e.SpeechStarted(self.now_s, self._listen_id(how)))
            case "utterance":
                confidence = (0.1, 0.5, 0.95)[how % 3]
                said = SAID[how // 3 % len(SAID)]
                self.feed(e.UtteranceHeard(self.now_s, self._listen_id(how), said, confidence))
            case "time":
                self.time_goes_on(how)
            case "deaf" if self.listening and how % 4 == 0:
                self.feed(e.ListeningFailed(self.now_s, self.listening, "no model", is_lost=how % 8 == 0))
            case "prompt_failed" if self.playing:
                play_id, self.playing = self.playing, ""
                self.feed(e.PromptFailed(self.now_s, play_id, "no voice"))
            case "job" if self.jobs:
                self._job_ends(how)
            case "recording" if self.recording:
                self.recording_ends(ENDS_OF_RECORDINGS[how % len(ENDS_OF_RECORDINGS)])
            case "transfer" if self.is_transferring:
                self.transfer_ends(list(e.TransferOutcome)[how % len(e.TransferOutcome)])
            case "queue" if self.in_queue:
                self._queue_goes_on(how)
            case "stale":
                self._promise_nothing(self._stale(how))
            case "again" if how % 5 == 0:
                self.feed(e.CallOffered(self.now_s))
            case "hang_up" if how % 3 == 0:
                self.hangs_up()

    def time_goes_on(self, how: int = 0) -> bool:
        """Up to the next prompt that ends or timer that runs out; False where there is none."""
        due = [(at_s, "timer", timer_id) for timer_id, at_s in self.timers.items()]
        due += [(self.prompt_ends_s, "prompt", self.playing)] if self.playing else []
        if not due:
            return False
        at_s, what, name = min(due)
        self.now_s = max(self.now_s, at_s)
        if what == "timer":
            del self.timers[name]
            self.feed(e.TimerFired(self.now_s, name))
        else:
            self.playing = ""
            self.feed(e.PromptFinished(self.now_s, name))
        return True

    def hangs_up(self) -> None:
        """The caller does, in the middle of a message too."""
        if self.is_over:
            return
        self.is_over = True
        if self.recording:
            self.recording_ends(e.RecordingEnd.HUNG_UP)
        self.playing = self.listening = ""
        self.is_transferring = self.is_leaving = False
        self.in_queue = ""
        self.feed(e.CallerHungUp(self.now_s))

    def recording_ends(self, reason: e.RecordingEnd) -> None:
        """Half of the recordings are kept."""
        record_id, self.recording, self.is_stopped = self.recording, "", False
        self.is_leaving = reason is e.RecordingEnd.HUNG_UP
        kept = "message.wav" if reason in (e.RecordingEnd.SILENCE, e.RecordingEnd.STOPPED) else ""
        self.feed(e.RecordingEnded(self.now_s, record_id, reason, kept, 3.0 if kept else 0.0))

    def transfer_ends(self, outcome: e.TransferOutcome) -> None:
        """With the caller still there, or joined."""
        self.is_transferring = False
        self.feed(e.TransferEnded(self.now_s, outcome))

    def _queue_goes_on(self, how: int) -> None:
        """The queue tells something, an agent answers, or it is over: a talk as a talk, a wait as anything else."""
        if self.in_queue == "talking":
            self.queue_ends(TALKS_END[how % len(TALKS_END)])
        elif how % 4 == 0:
            self.in_queue = "talking"
            self.feed(e.QueueConnected(self.now_s, "anna", 12.0, "support"))
        elif self.in_queue == "leaving":
            if self.state.in_queue is not None and not self.state.in_queue.goes_to and how % 4 == 1:
                self.in_queue = "waiting"
                self.feed(e.QueueStays(self.now_s))
                return
            self.queue_ends((e.QueueOutcome.LEFT, e.QueueOutcome.CALLBACK, e.QueueOutcome.FAILED)[how % 3])
        elif how % 4 == 1:
            self.queue_ends(WAITS_END[how // 4 % len(WAITS_END)])
        else:
            self.feed(e.QueueStanding(self.now_s, how % 5 + 1, (None, 20.0, 400.0, 9000.0)[how // 5 % 4]))

    def queue_ends(self, outcome: e.QueueOutcome) -> None:
        """With the caller still there, or gone to the agent."""
        self.in_queue = ""
        self.feed(e.QueueEnded(self.now_s, outcome, agent="anna" if outcome in TALKS_END else "", waited_s=12.0))

    def _job_ends(self, how: int) -> None:
        job_id = sorted(self.jobs)[0]
        self.jobs.discard(job_id)
        outcome, status = list(JobOutcome)[how % 3], (200, 404, 500, None)[how // 3 % 4]
        self.feed(e.JobDone(self.now_s, job_id, JobResult(outcome, DATA[how // 12 % len(DATA)], status)))

    def silence(self) -> bool:
        """Whatever happens when the caller does nothing, and nobody answers; False when nothing does."""
        if self.jobs:
            self._job_ends(2)
        elif self.is_transferring:
            self.transfer_ends(e.TransferOutcome.NO_ANSWER)
        elif self.in_queue == "talking":
            self.queue_ends(e.QueueOutcome.CONNECTED)
        elif self.in_queue:
            self.queue_ends(e.QueueOutcome.LEFT if self.in_queue == "leaving" else e.QueueOutcome.TOO_LONG)
        elif self.recording and self.is_stopped:
            self.recording_ends(e.RecordingEnd.STOPPED)
        elif self.recording:
            self.recording_ends(e.RecordingEnd.NOTHING)
        else:
            return self.time_goes_on()
        return True

    def _listen_id(self, how: int) -> str:
        return ("listen0", "")[how % 2] if how % 10 == 0 or not self.listening else self.listening

    def _stale(self, how: int) -> e.Event:
        """Something that belongs to what is long over, or to nothing."""
        at_s, name = self.now_s, ("play999", "timer999", "job999", "record999")[how // 8 % 4]
        events: tuple[e.Event, ...] = (
            e.PromptFinished(at_s, name),
            e.PromptFailed(at_s, name, "late"),
            e.TimerFired(at_s, name),
            e.JobDone(at_s, name, JobResult(JobOutcome.DONE)),
            e.RecordingEnded(at_s, name, e.RecordingEnd.SILENCE, "late.wav", 1.0),
            e.SpeechStarted(at_s, name),
            e.ListeningFailed(at_s, name, "late"),
            e.UtteranceHeard(at_s, name, "red", 0.9),
        )
        return events[how % len(events)]

    # --- what the engine asks for

    def feed(self, event: e.Event) -> None:
        """Tell the engine, carry out what it asks for, and look whether all is well."""
        before = self.state
        was_ended = before.phase is Phase.ENDED
        result = engine.step(self.program, before, event)
        self.log.append(f"{self.now_s:7.1f} {before.phase:12} {before.step:8} {event!r:.150}")
        self.log += [f"{'':10}-> {command!r:.150}" for command in result.commands]
        self.state = result.state
        self._promise(len(result.commands) < MOST_COMMANDS, "an event leads to endless work")
        self._promise(not was_ended or not result.commands, "a call that is over asks for something")
        for command in result.commands:
            self._carry_out(command)
        self._promise_all()

    def _promise(self, is_kept: bool, what: str) -> None:
        if not is_kept:
            raise AssertionError("\n".join([what, *self.log[-80:]]))

    def _carry_out(self, command: c.Command) -> None:
        carry_out = getattr(self, f"_{type(command).__name__}", None)
        if carry_out is not None:
            carry_out(command)

    def _with_caller(self, command: c.Command) -> None:
        self._promise(not self.is_over, f"{command} for a call that is over")

    def _Answer(self, command: c.Answer) -> None:
        self._with_caller(command)
        self._promise(not self.is_answered, "answered twice")
        self.is_answered = True

    def _Reject(self, command: c.Reject) -> None:
        self._with_caller(command)
        self._promise(not self.is_answered, "refused after it was answered")
        self.is_over = True
        self.playing = self.listening = ""

    def _HangUp(self, command: c.HangUp) -> None:
        self._with_caller(command)
        self._promise(self.is_answered, "hung up before it was answered")
        self.is_over, self.in_queue = True, ""

    def _StartEarlyMedia(self, command: c.StartEarlyMedia) -> None:
        self._promise(not self.is_answered and not self.has_early_media, "early media too late or twice")
        self.has_early_media = True

    def _PlayPrompt(self, command: c.PlayPrompt) -> None:
        self._with_caller(command)
        self._promise(self.is_answered or self.has_early_media, "a prompt that nobody hears")
        self._promise(bool(command.segments), "a prompt of nothing")
        self.playing, self.prompt_ends_s = command.play_id, self.now_s + PROMPT_S

    def _StopPrompt(self, command: c.StopPrompt) -> None:
        self.playing = ""

    def _StartListening(self, command: c.StartListening) -> None:
        self._with_caller(command)
        self._promise(self.is_answered, "listening before the answer")
        self._promise(not self.listening, "listening twice")
        self.listening = command.listen_id

    def _EndUtterance(self, command: c.EndUtterance) -> None:
        self._promise(bool(self.listening), "the end of what nobody listens to")

    def _StopListening(self, command: c.StopListening) -> None:
        self.listening = ""

    def _StartTimer(self, command: c.StartTimer) -> None:
        self._promise(command.timer_id not in self.timers, "a timer started twice")
        self.timers[command.timer_id] = self.now_s + command.after_s

    def _CancelTimer(self, command: c.CancelTimer) -> None:
        self._promise(self.timers.pop(command.timer_id, None) is not None, f"{command}, which does not run")

    def _StartJob(self, command: c.StartJob) -> None:
        if command.job_id == self.state.job_id:
            self.jobs.add(command.job_id)

    def _CancelJob(self, command: c.CancelJob) -> None:
        self.jobs.discard(command.job_id)

    def _StartRecording(self, command: c.StartRecording) -> None:
        self._with_caller(command)
        self._promise(self.is_answered and not self.recording, "a recording before the answer, or in another one")
        self.recording = command.record_id

    def _StopRecording(self, command: c.StopRecording) -> None:
        self._promise(self.recording == command.record_id, f"{command}, which does not run")
        self.is_stopped = True
        if not self.state.record_id:
            self.recording, self.is_stopped = "", False

    def _StartTransfer(self, command: c.StartTransfer) -> None:
        self._with_caller(command)
        self._promise(self.is_answered and not self.is_transferring, "a transfer before the answer, or in another one")
        self.is_transferring = True

    def _EndTransfer(self, command: c.EndTransfer) -> None:
        self._with_caller(command)
        self._promise(self.is_transferring, "the end of a transfer that there is not")

    def _EnterQueue(self, command: c.EnterQueue) -> None:
        self._with_caller(command)
        self._promise(self.is_answered and not self.in_queue, "a queue before the answer, or in another one")
        self.in_queue = "waiting"

    def _AskStanding(self, command: c.AskStanding) -> None:
        self._with_caller(command)
        self._promise(self.in_queue == "waiting", "asks for a place in no queue")

    def _LeaveQueue(self, command: c.LeaveQueue) -> None:
        self._with_caller(command)
        self._promise(self.in_queue == "waiting" and bool(command.exit_name), "leaves no queue, or for nowhere")
        self.in_queue = "leaving"

    def _AskCallback(self, command: c.AskCallback) -> None:
        self._with_caller(command)
        self._promise(self.in_queue == "waiting", "wants to be called back from no queue")
        self._promise(command.number.lstrip("+").isdigit(), f"{command.number} is no number")
        self.in_queue = "leaving"

    # --- promises

    def _promise_nothing(self, event: e.Event) -> None:
        result = engine.step(self.program, self.state, event)
        self.log.append(f"{event!r:.150}")
        self._promise(result.state == self.state and not result.commands, "what is long over changes something")

    def _promise_all(self) -> None:
        state = self.state
        timers = {state.timer_id} - {""} | ({UNANSWERED_TIMER} if state.is_unanswered else set())
        self._promise(set(self.timers) == timers, f"timers {set(self.timers)}, and the engine knows {timers}")
        self._promise(self.jobs == {state.job_id} - {""}, f"jobs {self.jobs}, and the engine knows {state.job_id!r}")
        if not self.is_over:
            self._promise(self.playing == state.play_id, f"plays {self.playing!r}, not {state.play_id!r}")
            self._promise(self.listening == state.listen_id, f"listens {self.listening!r}, not {state.listen_id!r}")
            self._promise(self.recording == state.record_id, f"records {self.recording!r}, not {state.record_id!r}")
            is_queueing = state.phase is Phase.QUEUEING
            stage = state.in_queue.stage if is_queueing and state.in_queue else ""
            self._promise(self.in_queue == stage, f"the queue is {self.in_queue!r}, and the engine {stage!r}")
            self._promise(self.is_answered is not state.is_unanswered or state.phase is Phase.NEW, "answered or not?")
        self._promise(self._can_wake(), f"nothing goes on in {state.phase}")
        is_open = state.phase is Phase.LISTENING
        self._promise(not is_open or bool(self.playing or self.timers), "a question without prompt and timer")
        self._promise(state.phase is not Phase.SPEAKING or bool(self.playing), "speaks without a prompt")
        self._promise(self.is_over or state.phase is not Phase.ENDED, "ended with the caller still there")

    def _can_wake(self) -> bool:
        goes_on: Sequence[Any] = (
            self.playing,
            self.timers,
            self.jobs,
            self.recording,
            self.is_transferring,
            self.in_queue,
            self.is_leaving,
        )
        return self.state.phase is Phase.ENDED or any(goes_on)
