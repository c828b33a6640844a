"""A call with a flow that a person leads by typing: what `ivr simulate` does, without its terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from ivr.flow import asking
from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.flow.engine import Result
from ivr.flow.grammar import normalized
from ivr.flow.model import Flow
from ivr.flow.run import TEMPORARY_FAILURE, Run, masked
from ivr.flow.state import FlowState, Phase
from ivr.rehearsal import typed as t
from ivr.rehearsal.acts import CLEARLY
from ivr.rehearsal.model import Mock
from ivr.rehearsal.trail import Trail, exits_of
from ivr.rehearsal.world import World
from ivr.testing.conversation import Answered, CallScript, NotAsScripted, Turn

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


@dataclass(frozen=True, slots=True)
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
        said_for_s: Callable[[Sequence[Any]], float] | None = None,
    ) -> None:
        """`knows_word` is the speech model's; `said_for_s` says, and may begin to play, how long a prompt takes."""
        self.flow, self.setting = flow, setting
        self._screen, self._ask, self._knows_word = screen, ask, knows_word
        self.trail = Trail(flow, exits_of(flow))
        self._leaves = False
        self._world = World(setting.mocks, lambda: self.call.step)
        self.on_commands: Callable[[Sequence[c.Command]], None] = lambda commands: None
        """Told of what the engine asks for, before it is carried out."""
        self.call = CallScript(
            flow,
            outside=self._outside,
            on_turn=screen.turn,
            on_step=self._stepped,
            **({"said_for_s": said_for_s} if said_for_s else {}),
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
        return self.call.phase is Phase.LISTENING

    def settle(self) -> None:
        """Time jumps to the caller's next turn; a prompt that may be interrupted is left running."""
        while not self.is_over and not self.is_callers_turn:
            if not self.call.goes_on() and not self.call.clock.advance_to_next():
                break
        self._leave_if_asked()
        if self.is_callers_turn:
            self._screen.listens(self.words())

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
        before, began_s = len(self.call.turns), self.call.listens().since_offered_s
        while len(self.call.turns) == before and not self.is_over and self.call.clock.advance_to_next():
            pass
        if len(self.call.turns) > before:
            silent_s = self.call.turns[before].at_s - began_s
            if silent_s > 0:
                self._screen.note(f"silence for {silent_s:g} s")
        elif not self.is_over:
            self._screen.note("nothing happens, however long the caller waits")

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
        question = asking.open_question(Run(self.flow, call.state, call.clock.monotonic_s()))
        keys = [*(["digits"] if question.collects else []), *question.keys]
        parts = [f"keys {' '.join(keys)}"] if keys else []
        phrases = question.listens_for if call.listening is None else call.listening.phrases
        if call.listening is not None and not phrases:
            parts.append("any words")
        elif phrases and call.state.language not in call.state.is_deaf:
            more = f" … ({len(phrases)} in all)" if len(phrases) > MAX_WORDS else ""
            parts.append(f"words {', '.join(phrases[:MAX_WORDS])}{more}")
        return "; ".join(parts)

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
        step = getattr(command, "step", "") or self.call.step
        if isinstance(command, c.StartTransfer) and step not in self.setting.mocks:
            return self._ask_transfer(command)
        count = len(self._world.notes)
        answered = self._world(command)
        for note in self._world.notes[count:]:
            self._screen.note(note)
        return answered

    def _ask_transfer(self, command: c.StartTransfer) -> Answered | None:
        names = [str(outcome) for outcome in e.TransferOutcome]
        while True:
            answer = self._ask(f"how does the transfer to {command.to} end? {' | '.join(names)} (or ! to hang up)")
            word = "connected" if answer is None else answer.strip().lower().replace(" ", "_") or "connected"
            if word == "!":
                self._leaves = True
                return None
            if word in names:
                return Answered(e.TransferEnded(0.0, e.TransferOutcome(word)), remark=f"transfer: {word}")
            self._screen.note(f"a transfer does not end with '{word}'")

    def _leave_if_asked(self) -> None:
        if self._leaves:
            self._leaves = False
            self.hang_up()

    # --- what came of it

    @property
    def end(self) -> str:
        """How it ended."""
        call = self.call
        if any(isinstance(command, c.Reject) for command in call.commands):
            return "rejected"
        if any(note.kind == "transfer" and note.outcome == "connected" for note in call.record):
            return "transferred"
        hung_up = next((command for command in call.commands if isinstance(command, c.HangUp)), None)
        if hung_up is None:
            return "caller_hung_up" if self.is_over else "in_progress"
        return "failed" if hung_up.hangup_cause == TEMPORARY_FAILURE else "bot_hung_up"


def note_text(note: c.NoteStep) -> str:
    """A line of the record, as one reads it."""
    how = [
        part for part in (note.mode, f"confidence {note.confidence:.2f}" if note.confidence is not None else "") if part
    ]
    heard = f' "{note.heard}"' if note.heard else ""
    meaning = f" → {note.meaning}" if note.meaning else ""
    detail = f" ({', '.join([*how, *([note.detail] if note.detail else [])])})" if how or note.detail else ""
    attempt = f", attempt {note.attempt}" if note.attempt > 1 else ""
    return f"{note.kind}: {str(note.outcome).replace('_', ' ')}{heard}{meaning}{attempt}{detail}"


def _shown(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(dict(value) if isinstance(value, Mapping) else value)
