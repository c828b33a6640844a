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
from datetime import datetime
from pathlib import Path
from typing import Self

from ivr.flow import engine
from ivr.flow import events as e
from ivr.flow.grammar import normalized
from ivr.flow.jobs import JobResult
from ivr.flow.loader import load_flow
from ivr.flow.masking import MASK
from ivr.flow.model import AskStep, Flow
from ivr.flow.program import Program, linked
from ivr.flow.segments import Segment
from ivr.flow.state import FlowState, Phase
from ivr.testing.played_call import PlayedCall
from ivr.testing.prompts import said_for_s
from ivr.testing.services import ScriptedJobs
from ivr.testing.turns import BEGAN, WORD_S, NotAsScripted, Outside, SaidPrompt, Turn, as_recognized


def _read(flow: Flow | Path | str) -> Flow:
    if isinstance(flow, Flow):
        return flow
    if isinstance(flow, Path):
        return load_flow(flow.read_bytes(), str(flow)).flow
    return load_flow(flow, "flow.yaml").flow


def _program(flow: Flow | Path | str, runs: Collection[Flow | Path | str]) -> Program:
    return linked(_read(flow), {part.flow: part for part in map(_read, runs)})


class CallScript(PlayedCall):
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
        does not name wait for `job_ends`. `outside` says how transfers and queues end, and jobs instead of `jobs`;
        `on_turn` is told of every line of the conversation as it happens, `on_step` of every event: where the call
        stood before, and what came of it. `said_for_s` tells how long a prompt takes.
        """
        super().__init__(
            flow if isinstance(flow, Program) else _program(flow, runs),
            deaf=deaf,
            jobs=jobs,
            outside=outside,
            on_turn=on_turn,
            on_step=on_step,
            said_for_s=said_for_s,
        )
        self._seen = 0
        """Prompts before this one belong to an earlier turn."""

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
            if not self.goes_on(in_queue=True):
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

    def is_heard(self, listen_id: str, text: str, confidence: float, spoken_s: float | None = None) -> Self:
        """A real recognizer heard this of the caller."""
        self._turn()
        self._note("caller", self._masked(text) or "(noise)", f"confidence {confidence:.2f}")
        self.feed(e.UtteranceHeard(self._now_s, listen_id, text, confidence, spoken_s=spoken_s))
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
        if self.listening is not None:
            self._turn()
            self.feed(e.SpeechStarted(self._now_s, self.listening.listen_id))
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
        if self.listening is not None:
            self.feed(e.ListeningFailed(self._now_s, self.listening.listen_id, "the engine stopped", is_lost=True))
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

    def queue_stands(self, position: int, estimated_wait_s: float | None = None, queue: str = "") -> Self:
        """The queue tells where the caller stands in it."""
        self._must_be_queueing()
        self._turn()
        self.feed(e.QueueStanding(self._now_s, position, estimated_wait_s, queue))
        return self

    def agent_answers(self, agent: str) -> Self:
        """The caller talks to an agent."""
        self._must_be_queueing()
        self._turn()
        self._queue.connects(agent)
        return self

    def queue_ends(self, outcome: str, agent: str = "", detail: str = "") -> Self:
        """The wait, or the talk, ends like this (`full`, `too_long`, `connected`, `after` …)."""
        self._must_be_queueing()
        self._turn()
        self._queue.ends(e.QueueOutcome(outcome), agent, detail)
        return self

    def _must_be_queueing(self) -> None:
        if not self._queue.is_busy:
            self.listens()
        if self.phase is not Phase.QUEUEING:
            raise self._wrong("the caller waits for nobody")

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
        self._queue.gone()
        self.feed(e.CallerHungUp(self._now_s))
        return self

    # --- what a test looks at

    @property
    def has_ended(self) -> bool:
        """Whether the call is over; a goodbye is listened to."""
        return self.listens().phase is Phase.ENDED

    @property
    def said_now(self) -> list[SaidPrompt]:
        """What the bot said since the caller did something."""
        return self.prompts[self._seen :]

    @property
    def transcript(self) -> str:
        """The conversation so far, a line per turn."""
        return "\n".join(f"  {'bot' if turn.who == 'call' else turn.who}: {turn.shown}" for turn in self.turns)

    # --- inside

    def _wrong(self, what: str) -> NotAsScripted:
        where = f"step {self.state.step!r}, {self.state.phase}"
        return NotAsScripted(f"{what} ({where})\n{self.transcript}")

    def _turn(self) -> None:
        self._seen = len(self.prompts)

    def _masked(self, text: str) -> str:
        """What the caller says or presses, as it may be shown."""
        step = self.flow.steps.get(self.state.step)
        is_sensitive = isinstance(step, AskStep) and step.sensitive
        return MASK if is_sensitive and text and self.phase is Phase.LISTENING else text

    def _must_be_speaking(self, after_s: float) -> None:
        if not self.is_speaking:
            raise self._wrong("the bot says nothing that could be interrupted")
        self.clock.advance(max(0.0, self._play_began_s + after_s - self._now_s))
        if not self.is_speaking:
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
        listening = self.listening
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

    def _remark_on(self, text: str, heard: str) -> str:
        if not text or heard == normalized(text):
            return ""
        if self._recording is not None:
            return "recorded"
        return f"heard: {self._masked(heard) or 'nothing'}" if self.listening else "nobody listens"
