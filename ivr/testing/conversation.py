"""A conversation with a flow, without telephone, audio or waiting: the pure engine on a virtual clock.

    call = CallScript(flow_text).offered()
    call.hears("press 1")
    call.presses("1")
    call.says("my bill")
    call.stays_silent(6)
    call.hangs_up()

The caller is polite: `presses` and `says` wait until the bot has finished speaking; `interrupts` does not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Self

from ivr.flow import commands as c
from ivr.flow import engine
from ivr.flow import events as e
from ivr.flow.grammar import UNKNOWN_WORD, normalized
from ivr.flow.jobs import JobResult
from ivr.flow.loader import load_flow
from ivr.flow.masking import MASK
from ivr.flow.model import Flow
from ivr.flow.program import Program, linked
from ivr.flow.segments import Segment
from ivr.flow.state import FlowState, Phase
from ivr.testing.clock import ManualClock, ManualTimer
from ivr.testing.job_text import job_text
from ivr.testing.prompts import masked_segments, said_for_s, said_text
from ivr.testing.services import ScriptedJobs

WORD_S = 0.35
"""How long a caller takes for one word."""


BEGAN = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
"""When calls come in, unless a test says otherwise: a Monday morning."""


class NotAsScripted(AssertionError):
    """The conversation went another way; the text has all of it so far."""


@dataclass(frozen=True, slots=True)
class SaidPrompt:
    """Something that the bot said."""

    text: str
    began_s: float
    """Since the call came in."""
    heard_s: float = 0.0
    """How much of it the caller heard; the whole once it is over."""
    was_cut: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """One line of the conversation. Sensitive input and what repeats it are masked in `shown`."""

    who: str
    """bot | caller | call."""
    shown: str
    at_s: float
    """Since the call came in."""
    step: str = ""
    """Where the call was then."""
    remark: str = ""
    """What became of it on the way: `heard: [unk] order`, `nobody listens`."""


@dataclass(frozen=True, slots=True)
class Answered:
    """How something outside the engine ended, a transfer or a job."""

    event: e.Event
    """What the engine is told; `at_s` is filled in."""
    after_s: float = 0.0
    remark: str = ""


Outside = Callable[[c.Command], Answered | None]
"""Plays the world outside: asked about every command that the script itself does not know how to carry out, and about
transfers. None leaves it open."""


def as_recognized(text: str, listening: c.StartListening) -> str:
    """What a recognizer with this closed list makes of words that are spoken clearly; free speech is left as it is."""
    if not listening.phrases:
        return normalized(text)
    known = _words_of(listening.phrases)
    words: list[str] = []
    for word in normalized(text).split():
        heard = word if word in known else UNKNOWN_WORD if listening.allow_unknown else ""
        if heard and (heard != UNKNOWN_WORD or words[-1:] != [UNKNOWN_WORD]):
            words.append(heard)
    return " ".join(words)


@lru_cache(maxsize=256)
def _words_of(phrases: tuple[str, ...]) -> frozenset[str]:
    return frozenset(word for phrase in phrases for word in phrase.split())


def _read(flow: Flow | Path | str) -> Flow:
    if isinstance(flow, Flow):
        return flow
    if isinstance(flow, Path):
        return load_flow(flow.read_bytes(), str(flow)).flow
    return load_flow(flow, "flow.yaml").flow


def _program(flow: Flow | Path | str, runs: Collection[Flow | Path | str]) -> Program:
    return linked(_read(flow), {part.flow: part for part in map(_read, runs)})


class CallScript:
    """One call, played by a test. Every verb returns the script, so that sentences can be chained."""

    def __init__(
        self,
        flow: Flow | Program | Path | str,
        *,
        deaf: Collection[str] = (),
        runs: Collection[Flow | Path | str] = (),
        jobs: ScriptedJobs | None = None,
        outside: Outside | None = None,
        on_turn: Callable[[Turn], None] | None = None,
        on_step: Callable[[FlowState, engine.Result], None] | None = None,
        said_for_s: Callable[[Sequence[Segment]], float] = said_for_s,
    ) -> None:
        """`flow` is a model, a file or YAML text, `runs` the flows that it can run; or a program, which has them.

        `deaf` are language tags in which no speech can be recognized; `jobs` says what services answer: those that it
        does not name wait for `job_ends`. `outside` says how transfers end, and jobs instead of `jobs`;
        `on_turn` is told of every line of the conversation as it happens, `on_step` of every event: where the call
        stood before, and what came of it. `said_for_s` tells how long a prompt takes.
        """
        self.program = flow if isinstance(flow, Program) else _program(flow, runs)
        self.flow = self.program.main
        self.clock = ManualClock()
        self.state = FlowState()
        self.commands: list[c.Command] = []
        """Everything that the engine asked for."""
        self.record: list[c.NoteStep] = []
        """The lines of the call's record."""
        self.prompts: list[SaidPrompt] = []
        self._deaf = frozenset(deaf)
        self._scripted_jobs = jobs or ScriptedJobs()
        self._jobs: dict[str, ManualTimer | None] = {}
        self._known_at_once: list[tuple[str, JobResult, str]] = []
        self._timers: dict[str, ManualTimer] = {}
        self._playing: ManualTimer | None = None
        self._play_began_s = 0.0
        self._listening: c.StartListening | None = None
        self._recording: c.StartRecording | None = None
        self._recording_timer: ManualTimer | None = None
        self._recording_from_s = 0.0
        self._spoken_s = 0.0
        """How much the caller has said of a message."""
        self._recorded = 0
        self._seen = 0
        """Prompts before this one belong to an earlier turn."""
        self.turns: list[Turn] = []
        self._outside, self._on_turn, self._on_step = outside, on_turn, on_step
        self._said_for_s = said_for_s
        self._pending = 0
        """Transfers and recordings whose end is on its way."""

    # --- what the caller does

    def offered(
        self,
        ani: str = "+49301234",
        dnis: str = "100",
        *,
        variables: Mapping[str, object] | None = None,
        sensitive: Collection[str] = (),
        language: str = "",
        resume_at: str = "",
        returned_because: str = "",
        name: str = "",
        now: datetime | None = BEGAN,
    ) -> Self:
        """The call comes in, at `now`. The other named values are those of a caller who comes back from a transfer."""
        if now is not None:
            self.clock.started_at = now
        more = (dict(variables or {}), frozenset(sensitive), language, resume_at, returned_because)
        self.feed(e.CallOffered(self._now_s, ani, dnis, name, *more, now=now))
        return self

    def hears(self, text: str) -> Self:
        """The bot says this before it is the caller's turn (capitals do not matter)."""
        while not any(text.lower() in prompt.text.lower() for prompt in self.prompts[self._seen :]):
            if not self.goes_on():
                raise self._wrong(f"the bot did not say {text!r}")
        return self

    def does_not_hear(self, text: str) -> Self:
        """The bot has its say and this is not in it."""
        self.listens()
        if any(text.lower() in prompt.text.lower() for prompt in self.prompts[self._seen :]):
            raise self._wrong(f"the bot said {text!r}")
        return self

    def listens(self) -> Self:
        """The caller listens until the bot has finished."""
        while self.goes_on():
            pass
        return self

    def goes_on(self) -> bool:
        """Time moves on to whatever comes next, unless it is the caller's turn: False then, and nothing happens."""
        return self._is_busy and self.clock.advance_to_next()

    def presses(self, keys: str, *, every_s: float = 0.3) -> Self:
        """The caller waits for the bot to finish, and presses keys."""
        return self.listens()._press(keys, every_s)

    def says(self, text: str, confidence: float = 0.95, *, n_best: tuple[tuple[str, float], ...] = ()) -> Self:
        """The caller waits for the bot to finish, and speaks; words outside the step's list are heard as unknown.

        `n_best`: what else it may have been.
        """
        return self.listens()._say(text, confidence, n_best=n_best)

    def press_now(self, keys: str, *, every_s: float = 0.3) -> Self:
        """The caller presses keys, whoever speaks."""
        return self._press(keys, every_s)

    def say_now(self, text: str, confidence: float = 0.95) -> Self:
        """The caller speaks, whoever else does."""
        return self._say(text, confidence)

    def is_heard(self, listen_id: str, text: str, confidence: float) -> Self:
        """A real recognizer heard this of the caller."""
        self._turn()
        self._note("caller", self._masked(text) or "(noise)", f"confidence {confidence:.2f}")
        self.feed(e.UtteranceHeard(self._now_s, listen_id, text, confidence))
        return self

    def makes_noise(self, seconds: float = 0.5) -> Self:
        """Something that is taken for speech, and has no words."""
        return self._say("", 0.0, seconds)

    def interrupts(self, text: str = "", *, keys: str = "", after_s: float = 0.5, confidence: float = 0.95) -> Self:
        """The caller speaks, or presses keys, while the bot speaks, so long after the bot began."""
        self._must_be_speaking(after_s)
        return self._press(keys, 0.3) if keys else self._say(text, confidence)

    def is_interrupted_by_noise(self, *, after_s: float = 0.5) -> Self:
        """Noise while the bot speaks."""
        self._must_be_speaking(after_s)
        return self._say("", 0.0, 0.5)

    def begins_to_speak(self) -> Self:
        """Speech that has no end yet."""
        if self._listening is not None:
            self._turn()
            self.feed(e.SpeechStarted(self._now_s, self._listening.listen_id))
        return self

    def stays_silent(self, seconds: float) -> Self:
        """The caller says nothing for so long after the bot has finished."""
        self.listens()
        self._turn()
        self._note("caller", f"(silent for {seconds:g} s)")
        self.clock.advance(seconds)
        return self

    def waits(self, seconds: float) -> Self:
        """Time passes, whoever speaks."""
        self.clock.advance(seconds)
        return self

    def leaves_message(self, seconds: float, *, then: str = "") -> Self:
        """The caller speaks after the tone for so long, and presses `then`, or says no more."""
        self.listens()
        if self._recording is None:
            raise self._wrong("nothing is recorded")
        self._turn()
        self._note("caller", f"(a message of {seconds:g} s)")
        self._speak_message(seconds)
        if then:
            return self._press(then, 0.3)
        if self._recording is not None:
            self.clock.advance(self._recording.final_silence_s)
        return self

    def recording_fails(self, reason: str = "the disk is full") -> Self:
        """What the caller says cannot be kept."""
        self.listens()
        self._end_recording(e.RecordingEnd.FAILED, reason)
        return self

    def recognizer_breaks(self) -> Self:
        """The recognizer gives up."""
        if self._listening is not None:
            self.feed(e.ListeningFailed(self._now_s, self._listening.listen_id, "the engine stopped"))
        return self

    def prompt_fails(self, reason: str = "no audio") -> Self:
        """What the bot is saying cannot be played."""
        play_id = self.state.play_id
        self._stop_prompt(was_cut=True)
        self.feed(e.PromptFailed(self._now_s, play_id, reason))
        return self

    def transfer_ends(self, outcome: str, detail: str = "") -> Self:
        """The transfer in progress ends like this (`busy`, `no_answer`, `connected` …)."""
        self.listens()
        if self.phase is not Phase.TRANSFERRING:
            raise self._wrong("nobody is being called")
        self._turn()
        self.feed(e.TransferEnded(self._now_s, e.TransferOutcome(outcome), detail))
        return self

    def job_ends(self, result: JobResult) -> Self:
        """The work that the flow waits for ends like this."""
        if not self.state.job_id:
            raise self._wrong("nothing is waited for")
        self._turn()
        self._job_over(self.state.job_id, result)
        return self

    def hangs_up(self) -> Self:
        """The caller hangs up."""
        self._note("caller", "(hangs up)")
        self._end_recording(e.RecordingEnd.HUNG_UP)
        self.feed(e.CallerHungUp(self._now_s))
        return self

    def feed(self, event: e.Event) -> None:
        """Give the engine an event, and carry out what it asks for."""
        before = self.state
        result = engine.step(self.program, before, event)
        self.state = result.state
        if self._on_step is not None:
            self._on_step(before, result)
        failed = [listen for command in result.commands if (listen := self._carry_out(command)) is not None]
        for listen_id in failed:
            self.feed(e.ListeningFailed(self._now_s, listen_id, "no speech model for the language"))
        while self._known_at_once:
            self._job_over(*self._known_at_once.pop(0))

    # --- what a test looks at

    @property
    def step(self) -> str:
        """The step that the call is in, once the bot has finished speaking what it has to."""
        return self.state.step

    @property
    def phase(self) -> Phase:
        """What the call is doing."""
        return self.state.phase

    @property
    def has_ended(self) -> bool:
        """Whether the call is over; a goodbye is listened to."""
        return self.listens().phase is Phase.ENDED

    @property
    def variables(self) -> Mapping[str, object]:
        """What the flow knows."""
        return self.state.variables

    @property
    def refused_with(self) -> int | None:
        """SIP status with which the call was refused; None where it was not."""
        return next((command.sip_status for command in self.commands if isinstance(command, c.Reject)), None)

    @property
    def is_answered(self) -> bool:
        """Whether it was answered."""
        return any(isinstance(command, c.Answer) for command in self.commands)

    @property
    def early_prompts(self) -> int:
        """How many prompts were begun before the answer."""
        asked = [command for command in self.commands if isinstance(command, c.Answer | c.PlayPrompt)]
        return next((index for index, command in enumerate(asked) if isinstance(command, c.Answer)), len(asked))

    @property
    def prompts_heard(self) -> list[str]:
        """What the bot said, one text per prompt."""
        return [prompt.text for prompt in self.prompts]

    @property
    def said_now(self) -> list[SaidPrompt]:
        """What the bot said since the caller did something."""
        return self.prompts[self._seen :]

    @property
    def listening(self) -> c.StartListening | None:
        """What the recognizer was asked for, while it is."""
        return self._listening

    @property
    def is_speaking(self) -> bool:
        """Whether the bot is."""
        return self._prompt_runs

    @property
    def can_wake(self) -> bool:
        """Whether anything but the caller can move the call on: a prompt, a timer, a transfer; true once it is over."""
        over_or_away = self.phase in (Phase.ENDED, Phase.TRANSFERRING)
        return over_or_away or self._prompt_runs or bool(self._timers) or bool(self._jobs)

    @property
    def transcript(self) -> str:
        """The conversation so far, a line per turn."""
        return "\n".join(f"  {'bot' if turn.who == 'call' else turn.who}: {turn.shown}" for turn in self.turns)

    # --- inside

    @property
    def _now_s(self) -> float:
        return self.clock.monotonic_s()

    @property
    def _prompt_runs(self) -> bool:
        return self._playing is not None

    @property
    def _is_busy(self) -> bool:
        """Whether the bot speaks, or waits for something that is on its way."""
        will_go_on = self.state.is_unanswered or self.state.input.is_mistyped
        is_timed = will_go_on and bool(self.state.timer_id)
        return self._prompt_runs or self._pending > 0 or any(self._jobs.values()) or is_timed

    def _wrong(self, what: str) -> NotAsScripted:
        where = f"step {self.state.step!r}, {self.state.phase}"
        return NotAsScripted(f"{what} ({where})\n{self.transcript}")

    def _turn(self) -> None:
        self._seen = len(self.prompts)

    @property
    def since_offered_s(self) -> float:
        """Seconds since the call came in."""
        return self._now_s - self.clock.started_s

    def _note(self, who: str, shown: str, remark: str = "") -> None:
        self.turns.append(Turn(who, shown, self.since_offered_s, self.state.step, remark))
        if self._on_turn is not None:
            self._on_turn(self.turns[-1])

    def _masked(self, text: str) -> str:
        """What the caller says or presses, as it may be shown."""
        is_sensitive = getattr(self.flow.steps.get(self.state.step), "sensitive", False)
        return MASK if is_sensitive and text and self.phase is Phase.LISTENING else text

    def _must_be_speaking(self, after_s: float) -> None:
        if not self._prompt_runs:
            raise self._wrong("the bot says nothing that could be interrupted")
        self.clock.advance(max(0.0, self._play_began_s + after_s - self._now_s))
        if not self._prompt_runs:
            raise self._wrong(f"the bot had finished within {after_s:g} s")

    def _press(self, keys: str, every_s: float) -> Self:
        self._turn()
        self._note("caller", f"[{self._masked(keys)}]")
        for index, key in enumerate(keys):
            self.clock.advance(every_s if index else 0.0)
            self.feed(e.DigitPressed(self._now_s, key))
        return self

    def _say(
        self, text: str, confidence: float, seconds: float | None = None, n_best: tuple[tuple[str, float], ...] = ()
    ) -> Self:
        self._turn()
        listening = self._listening
        heard = as_recognized(text, listening) if listening else ""
        self._note("caller", self._masked(text) or "(noise)", self._remark_on(text, heard))
        speaking_s = WORD_S * len(text.split()) if seconds is None else seconds
        if self._recording is not None:
            self._speak_message(speaking_s)
            if self._recording is not None:
                self.clock.advance(self._recording.final_silence_s)
            return self
        if listening is None:
            self.clock.advance(speaking_s)
            return self
        self.feed(e.SpeechStarted(self._now_s, listening.listen_id))
        self.clock.advance(speaking_s + listening.final_silence_s)
        self.feed(e.UtteranceHeard(self._now_s, listening.listen_id, heard, confidence if heard else 0.0, n_best))
        return self

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

    def _start_recording(self, command: c.StartRecording) -> None:
        answered = self._outside(command) if self._outside is not None else None
        if answered is not None:
            self._pending += 1
            self.clock.call_later(answered.after_s, lambda: self._outside_over(answered))
            return
        self._recording, self._recording_from_s, self._spoken_s = command, self._now_s, 0.0
        self._end_recording_after(command.first_input_timeout_s, e.RecordingEnd.NOTHING)

    def _end_recording_after(self, seconds: float, reason: e.RecordingEnd) -> None:
        self._recording_timer = self.clock.call_later(seconds, lambda: self._end_recording(reason))

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

    def _remark_on(self, text: str, heard: str) -> str:
        if not text or heard == normalized(text):
            return ""
        if self._recording is not None:
            return "recorded"
        return f"heard: {self._masked(heard) or 'nothing'}" if self._listening else "nobody listens"

    def _carry_out(self, command: c.Command) -> str | None:
        """Do what the engine asks; the id of a listening that failed at once."""
        self.commands.append(command)
        match command:
            case c.NoteStep():
                self.record.append(command)
            case c.PlayPrompt():
                self._play(command)
            case c.StopPrompt():
                self._stop_prompt(was_cut=True)
            case c.StartListening(listen_id=listen_id, language=language):
                self._listening = command
                return listen_id if language in self._deaf else None
            case c.StopListening():
                self._listening = None
            case c.StartTimer(timer_id=timer_id, after_s=after_s):
                self._timers[timer_id] = self.clock.call_later(after_s, lambda: self._time_over(timer_id))
            case c.CancelTimer(timer_id=timer_id):
                self._timers.pop(timer_id).cancel()
            case c.HangUp():
                self._note("call", "(the bot hangs up)")
            case c.Reject(sip_status=status):
                self._note("call", f"(refused with SIP {status})")
            case c.StartRecording():
                self._start_recording(command)
            case c.StopRecording(record_id=record_id):
                if self._recording is not None and self._recording.record_id == record_id:
                    self._stop_recording_timer()
                    self._pending += 1
                    self.clock.call_later(0.0, self._recording_stopped)
            case c.DropRecording():
                pass
            case c.StartTransfer():
                self._note("call", f"(transfer to {command.to})")
                self._ask_outside(command)
            case c.StartJob():
                self._start_job(command)
            case c.CancelJob(job_id=job_id):
                if timer := self._jobs.pop(job_id, None):
                    timer.cancel()
            case c.Ring():
                self._note("call", "(it rings)")
            case c.Answer():
                if any(isinstance(earlier, c.Ring) for earlier in self.commands):
                    self._note("call", "(answered)")
            case c.StartEarlyMedia():
                pass
            case _:
                self._ask_outside(command)
        return None

    def _ask_outside(self, command: c.Command) -> None:
        answered = self._outside(command) if self._outside is not None else None
        if answered is not None:
            self._pending += 1
            self.clock.call_later(answered.after_s, lambda: self._outside_over(answered))

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

    def _play(self, command: c.PlayPrompt) -> None:
        self._stop_prompt(was_cut=True)
        text, seconds = said_text(command.segments), self._said_for_s(command.segments)
        skipped_s = max(0.0, self.prompts[-1].heard_s - c.RESUME_BACK_S) if command.is_resumed else 0.0
        self._play_began_s = self._now_s - skipped_s
        self.prompts.append(SaidPrompt(text, self.since_offered_s))
        self._note("bot", said_text(masked_segments(command.segments)) if self.state.sensitive else text)
        self._playing = self.clock.call_later(seconds - skipped_s, lambda: self._prompt_over(command.play_id))

    def _stop_prompt(self, *, was_cut: bool) -> None:
        if self._playing is not None:
            self._playing.cancel()
            self._playing = None
            heard_s = self._now_s - self._play_began_s
            self.prompts[-1] = replace(self.prompts[-1], heard_s=heard_s, was_cut=was_cut)

    def _prompt_over(self, play_id: str) -> None:
        self._stop_prompt(was_cut=False)
        self.feed(e.PromptFinished(self._now_s, play_id))

    def _time_over(self, timer_id: str) -> None:
        self._timers.pop(timer_id, None)
        self.feed(e.TimerFired(self._now_s, timer_id))
