"""A call with a flow that a person leads by typing: what `ivr simulate` does, without its terminal."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Protocol

from ivr.flow import asking
from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.flow.engine import Result
from ivr.flow.grammar import normalized
from ivr.flow.jobs import AttendJob, GatherJob, HoursJob, HttpJob, Job, SendJob
from ivr.flow.model import Flow
from ivr.flow.moment import masked
from ivr.flow.program import Program
from ivr.flow.question import Question
from ivr.flow.run import Run
from ivr.flow.segments import Segment
from ivr.flow.state import FlowState, Phase
from ivr.flow.steps import hours
from ivr.flow.steps.queue_keys import meant
from ivr.flow.steps.queue_model import QueueStep
from ivr.flow.steps.video import is_room
from ivr.immutable import immutable
from ivr.rehearsal import typed as t
from ivr.rehearsal.acts import CLEARLY
from ivr.rehearsal.ending import ended_by_bot
from ivr.rehearsal.exits import exits_in
from ivr.rehearsal.model import Mock
from ivr.rehearsal.trail import Trail, place_of
from ivr.rehearsal.world import (
    QUEUE_OUTCOMES,
    REQUEST_OUTCOMES,
    SEND_OUTCOMES,
    VIDEO_OUTCOMES,
    Calendars,
    World,
    result_of,
    result_text,
)
from ivr.testing.conversation import CallScript
from ivr.testing.job_text import job_text
from ivr.testing.prompts import said_for_s
from ivr.testing.turns import Answered, NotAsScripted, Turn

WAITS_S, WAITS_AT = 120.0, 2
"""How long the caller waits in a queue, and his place, where no mock says so."""
MAX_WORDS = 12
"""More of them are counted, not shown."""


class Screen(Protocol):
    """Whoever watches."""

    def turn(self, turn: Turn) -> None:
        """A line of the conversation."""

    def step(self, name: str, text: str) -> None:
        """What came of a step."""

    def value(self, name: str, shown: str) -> None:
        """A variable has a new value, masked where sensitive."""

    def listens(self, text: str) -> None:
        """What may be said and pressed now."""

    def note(self, text: str) -> None:
        """A remark of the simulator, or its answer to a question."""


@immutable
class Setting:
    """How the call comes in."""

    caller: str = "+493012345678"
    called: str = "100"
    language: str = ""
    variables: Mapping[str, object] = field(default_factory=dict)
    now: datetime | None = None
    confidence: float = CLEARLY
    mocks: Mapping[str, tuple[Mock, ...]] = field(default_factory=dict)


class Simulator:
    """One call. `ask` puts a question about the world outside to the person; None is the end of the input."""

    def __init__(
        self,
        flow: Flow,
        setting: Setting,
        screen: Screen,
        ask: Callable[[str], str | None],
        knows_word: Callable[[str, str], bool] | None = None,
        said_for_s: Callable[[Sequence[Segment]], float] = said_for_s,
        calendars: Calendars | None = None,
        runs: Collection[Flow] = (),
    ) -> None:
        """`knows_word` is the speech model's; `said_for_s` says, and may begin to play, how long a prompt takes;
        `runs` are the flows that it can run.
        """
        self.flow, self.setting = flow, setting
        self._screen, self._ask, self._knows_word = screen, ask, knows_word
        program = Program(flow, {part.flow: part for part in runs})
        self.trail = Trail(program, exits_in(program))
        self._leaves, self._calendars = False, calendars
        self._shown_listening = (0, "")
        self._world = World(setting.mocks, lambda: place_of(self.call.state), lambda: self.call.clock.now(), calendars)
        self.on_commands: Callable[[Sequence[c.Command]], None] = lambda commands: None
        """Told of what the engine asks for, before it is carried out."""
        self.call = CallScript(
            flow,
            runs=runs,
            outside=self._outside,
            on_turn=screen.turn,
            on_step=self._stepped,
            said_for_s=said_for_s,
        )

    # --- the call

    def begin(self) -> None:
        """The call comes in."""
        setting = self.setting
        self.call.offered(
            setting.caller, setting.called, variables=setting.variables, language=setting.language, now=setting.now
        )
        self._leave_if_asked()

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.call.phase is Phase.ENDED

    @property
    def is_callers_turn(self) -> bool:
        """Whether the bot waits for the caller, its prompt over or not."""
        if self.call.phase is Phase.QUEUEING:  # there are keys to press, once he was told how long it takes
            here = self.call.state.in_queue
            is_told = here is not None and here.stage == "waiting" and here.told > 0
            return is_told and not self.call.is_speaking
        return self.call.phase is Phase.LISTENING and not self.call.state.input.is_mistyped

    def settle(self) -> None:
        """Time jumps to the caller's next turn; a prompt that may be interrupted is left running."""
        while not self.is_over and not self.is_callers_turn:
            if not self.call.goes_on() and not self.call.clock.advance_to_next():
                break
        self._leave_if_asked()
        if self.is_callers_turn:
            self._show_listening()

    def type(self, line: str, *, is_polite: bool = True) -> None:
        """Do what a typed line says; `is_polite`: once the bot has finished, unless the line interrupts."""
        read = t.parse_line(line)
        try:
            self._do(read, is_polite=is_polite)
        except NotAsScripted as error:
            self._screen.note(str(error).partition("\n")[0])
        self._leave_if_asked()

    def hang_up(self) -> None:
        """The caller leaves."""
        if not self.is_over:
            self.call.hangs_up().listens()

    def _do(self, read: t.Typed, *, is_polite: bool) -> None:
        match read:
            case t.Speech():
                self._say(read, is_polite=is_polite)
            case t.Keys(keys=keys, interrupts=interrupts):
                if interrupts and self.call.is_speaking:
                    self.call.interrupts(keys=keys)
                elif is_polite:
                    self.call.presses(keys)
                else:
                    self.call.press_now(keys)
            case t.Silence():
                self._wait_for_something()
            case t.Noise():
                self.call.makes_noise()
            case t.HangUp():
                self.hang_up()
            case t.Pause(lasting_s=seconds):
                self.call.waits(seconds)
            case t.Show(what=what):
                self._show(what)
            case t.Mistyped(message=message):
                self._screen.note(message)

    def _say(self, read: t.Speech, *, is_polite: bool) -> None:
        confidence = self.setting.confidence if read.confidence is None else read.confidence
        self._point_out_unknown(read.text)
        if read.interrupts and self.call.is_speaking:
            self.call.interrupts(read.text, confidence=confidence)
        elif is_polite:
            self.call.says(read.text, confidence)
        else:
            self.call.say_now(read.text, confidence)

    def _wait_for_something(self) -> None:
        """The caller listens, and is silent until the bot does something."""
        self.call.listens()
        before = len(self.call.turns)
        while len(self.call.turns) == before and not self.is_over:
            due_s = self.call.clock.next_due_s
            if due_s is None:
                self._screen.note("nothing happens, however long the caller waits")
                return
            self._screen.note(f"silence for {round(due_s, 1):g} s")
            self.call.clock.advance_to_next()

    def _point_out_unknown(self, text: str) -> None:
        if self._knows_word is None:
            return
        language = self.call.state.language
        unknown = [word for word in normalized(text).split() if not self._knows_word(language, word)]
        if unknown:
            self._screen.note(f"the speech model of {language} does not know: {', '.join(dict.fromkeys(unknown))}")

    # --- what the person is shown

    def words(self) -> str:
        """What may be said and pressed now."""
        call = self.call
        if not self.is_callers_turn:
            return "nothing: it is not the caller's turn"
        if call.phase is Phase.QUEUEING:
            return f"keys {' '.join(self._keys_of_queue())}"
        question = asking.open_question(Run(call.program, call.state, call.clock.monotonic_s()))
        keys = [*(["digits"] if _takes_digits(question) else []), *question.keys]
        parts = [f"keys {' '.join(keys)}"] if keys else []
        phrases = question.listens_for if call.listening is None else call.listening.phrases
        if call.listening is not None and not phrases:
            parts.append("any words")
        elif phrases and call.state.language not in call.state.is_deaf:
            more = f" … ({len(phrases)} in all)" if len(phrases) > MAX_WORDS else ""
            parts.append(f"words {', '.join(phrases[:MAX_WORDS])}{more}")
        return "; ".join(parts)

    def _keys_of_queue(self) -> Iterable[str]:
        run = Run(self.call.program, self.call.state, self.call.clock.monotonic_s())
        step = run.steps[self.call.step]
        return meant(run.flow, step) if isinstance(step, QueueStep) else ()

    def _show_listening(self) -> None:
        """Once for each turn: a line that was not for the bot changes nothing."""
        shown = (len(self.call.turns), self.words())
        if shown != self._shown_listening:
            self._screen.listens(shown[1])
        self._shown_listening = shown

    def _show(self, what: str) -> None:
        if what == "help":
            self._screen.note(t.HELP)
        elif what == "words":
            self._screen.note(self.words())
        elif what == "trace":
            self._screen.note(" → ".join(self.trail.steps))
        else:
            known = masked(self.call.state)
            self._screen.note("\n".join(f"{name} = {_shown(value)}" for name, value in known.items()))

    def _stepped(self, before: FlowState, result: Result) -> None:
        self.trail.follow(before, result)
        for note in result.commands:
            if isinstance(note, c.NoteStep):
                self._screen.step(note.step, note_text(note))
        known = masked(before)
        for name, value in masked(result.state).items():
            if name != "call" and before.phase is not Phase.NEW and (name not in known or known[name] != value):
                self._screen.value(name, _shown(value))
        self.on_commands(result.commands)

    # --- the world outside

    def _outside(self, command: c.Command) -> Answered | None:
        if not self._world.has_mock(place_of(self.call.state)):
            if isinstance(command, c.StartTransfer) and not is_room(command.names):
                return self._ask_transfer(command)
            if isinstance(command, c.EnterQueue):
                return self._ask_queue(command)
            if isinstance(command, c.StartJob) and self._must_ask(command.job):
                return self._ask_job(command)
        count = len(self._world.notes)
        answered = self._world(command)
        for note in self._world.notes[count:]:
            self._screen.note(note)
        return answered

    def _must_ask(self, job: Job) -> bool:
        if isinstance(job, HoursJob):
            return self._calendars is None
        if isinstance(job, AttendJob):
            return False
        return isinstance(job, HttpJob | GatherJob) or job.is_awaited

    def _ask_transfer(self, command: c.StartTransfer) -> Answered | None:
        names = tuple(map(str, e.TransferOutcome))
        word = self._chosen(f"how does the transfer to {command.names} end?", names)
        if word is None:
            return None
        return Answered(e.TransferEnded(0.0, e.TransferOutcome(word)), remark=f"transfer: {word}")

    def _ask_queue(self, command: c.EnterQueue) -> Answered | None:
        word = self._chosen(f"how does the wait in {command.queue} end?", QUEUE_OUTCOMES)
        if word is None:
            return None
        return self._world.enters_queue(Mock(outcome=word, after=WAITS_S, position=WAITS_AT, wait=WAITS_S))

    def _chosen(self, question: str, names: Sequence[str]) -> str | None:
        """One of the names, the first one for an empty line; None where the caller hangs up instead."""
        while True:
            answer = self._ask(f"{question} {' | '.join(names)} (or ! to hang up)")
            word = (answer or "").strip().lower().replace(" ", "_") or names[0]
            if word == t.HANG_UP:
                self._leaves = True
                return None
            if word in names:
                return word
            self._screen.note(f"'{word}' is none of: {', '.join(names)}")

    def _ask_job(self, command: c.StartJob) -> Answered | None:
        mock = self._asked_mock(command.job)
        if mock is None:
            return None
        result = result_of(command.job, mock)
        return Answered(e.JobDone(0.0, command.job_id, result), remark=result_text(command.job, result))

    def _asked_mock(self, job: Job) -> Mock | None:
        if isinstance(job, HoursJob):
            word = self._chosen(f"what does the calendar {job.calendar} say?", hours.EXITS)
            return Mock(outcome=word) if word else None
        if isinstance(job, SendJob):
            word = self._chosen(f"it {job_text(job)}: what comes of it?", SEND_OUTCOMES)
            return Mock(outcome=word) if word else None
        if isinstance(job, GatherJob):
            word = self._chosen(f"it {job_text(job)}: who joins?", VIDEO_OUTCOMES)
            return Mock(outcome=word) if word else None
        while True:
            answer = self._ask(f"it {job_text(job)}: what is the answer? JSON, a status, timeout (or ! to hang up)")
            if answer is not None and answer.strip() == t.HANG_UP:
                self._leaves = True
                return None
            try:
                return _http_mock((answer or "").strip())
            except ValueError as error:
                self._screen.note(str(error))

    def _leave_if_asked(self) -> None:
        if self._leaves:
            self._leaves = False
            self.hang_up()

    # --- what came of it

    @property
    def end(self) -> str:
        """How it ended."""
        return ended_by_bot(self.call) or ("caller_hung_up" if self.is_over else "in_progress")


def _takes_digits(question: Question) -> bool:
    """Whether a value is keyed in, besides the keys that choose."""
    return question.rules is not None


def _http_mock(text: str) -> Mock:
    """`{"balance": 3}`, `404`, `503 {…}`, `timeout`; nothing is an answer without data. Raises ValueError."""
    if text in REQUEST_OUTCOMES:
        return Mock(outcome=text)
    status, _, body = text.partition(" ") if text[:3].isdecimal() else ("", "", text)
    try:
        return Mock.model_validate({"status": int(status) if status else 200, "json": json.loads(body or "null")})
    except ValueError as error:
        example = '{"balance": 12.5}, 404, 503 {"reason": "busy"}, timeout'
        raise ValueError(f"this is no answer of a data service; write for example {example}") from error


def note_text(note: c.NoteStep) -> str:
    """A line of the record, as one reads it."""
    sureness = "" if note.confidence is None else f"confidence {note.confidence:.2f}"
    how = [part for part in (note.mode, sureness, note.detail) if part]
    heard = f' "{note.heard}"' if note.heard else ""
    meaning = f" → {note.meaning}" if note.meaning else ""
    detail = f" ({', '.join(how)})" if how else ""
    attempt = f", attempt {note.attempt}" if note.attempt > 1 else ""
    return f"{note.kind}: {str(note.outcome).replace('_', ' ')}{heard}{meaning}{attempt}{detail}"


def _shown(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(dict(value) if isinstance(value, Mapping) else value)
