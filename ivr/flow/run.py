"""One step of the engine in the making: the state as it changes, and the commands gathered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ivr.flow import commands as c
from ivr.flow import prompts, templates
from ivr.flow.languages import language_for
from ivr.flow.languages.base import Language
from ivr.flow.masking import MASK
from ivr.flow.model import Flow, Prompt
from ivr.flow.segments import Segment
from ivr.flow.state import FlowState, Phase, Queued

TEMPORARY_FAILURE = 41
"""Q.850 cause of a call that the bot could not go on with."""


@dataclass
class Run:
    """Collects what one event leads to. Lives for one call of `engine.step` only."""

    flow: Flow
    state: FlowState
    at_s: float
    commands: list[c.Command] = field(default_factory=list)
    target: str = ""
    """Step that is entered next; empty when the engine waits for an event."""
    is_announced: bool = False
    """The step being entered had its say before (see `flush`)."""

    def set(self, **changes: Any) -> None:
        """Change the state."""
        self.state = replace(self.state, **changes)

    def set_input(self, **changes: Any) -> None:
        """Change the listening step in progress."""
        self.set(input=replace(self.state.input, **changes))

    def emit(self, command: c.Command) -> None:
        """Add a command."""
        self.commands.append(command)

    def goto(self, target: str) -> None:
        """Enter a step as soon as the current decision is made."""
        self.target = target

    def new_id(self, kind: str) -> str:
        """An id that this call has not used."""
        self.set(counter=self.state.counter + 1)
        return f"{kind}{self.state.counter}"

    @property
    def language(self) -> Language:
        """The language that the call is in."""
        return language_for(self.state.language)

    @property
    def masked_variables(self) -> Mapping[str, object]:
        """Variables as they may be written down."""
        return masked(self.state)

    # --- prompts

    def segments(
        self, prompt: Prompt, extra: Mapping[str, object] | None = None, shown: Mapping[str, object] | None = None
    ) -> tuple[Segment, ...]:
        """What is played for a prompt; `shown` is `extra` as it may be written down."""
        variables = {**self.state.variables, **(extra or {})}
        found = prompts.segments_of(prompt, variables, self.state.language)
        if self.state.sensitive or shown:
            written = {**self.masked_variables, **(shown or extra or {})}
            found = prompts.with_sensitive_marked(found, prompt, written, self.state.language)
        return tuple(part for part in found if not prompts.is_empty(part))

    def text(self, prompt: Prompt, extra: Mapping[str, object] | None = None) -> str:
        """What the record says of a prompt; a text that cannot be told without a masked value is masked whole."""
        try:
            return prompts.text_of(prompt, {**self.masked_variables, **(extra or {})}, self.state.language)
        except templates.TemplateFailed:
            return MASK

    def queue(self, segments: tuple[Segment, ...], barge_in: str) -> None:
        """Keep segments for the next time something is played."""
        self.set(queued=Queued(self.state.queued.segments + segments, barge_in))

    def take_queue(self) -> tuple[Segment, ...]:
        """Empty the queue."""
        segments = self.state.queued.segments
        self.set(queued=Queued())
        return segments

    def play(self, segments: tuple[Segment, ...]) -> None:
        """Start a prompt; with nothing to say, nothing runs."""
        if not segments:
            self.set(play_id="")
            return
        self.set(play_id=self.new_id("play"))
        self.emit(c.PlayPrompt(self.state.play_id, segments))

    def stop_prompt(self) -> None:
        """Silence a running prompt."""
        if self.state.play_id:
            self.set(play_id="")
            self.emit(c.StopPrompt())

    def flush(self, resume_at: str, *, is_announced: bool = False, then: tuple[Segment, ...] = ()) -> bool:
        """Say what is queued, and `then`, before `resume_at` is entered; False where nothing is queued."""
        queued = self.state.queued
        if not queued.segments:
            return False
        self.play(queued.segments + then)
        emptied = replace(queued, segments=())  # how it may be interrupted holds while it is said
        self.set(phase=Phase.SPEAKING, resume_at=resume_at, is_announced=is_announced, queued=emptied)
        return True

    # --- listening and timers

    def stop_listening(self) -> None:
        """Close an open listening."""
        if self.state.listen_id:
            self.set(listen_id="")
            self.emit(c.StopListening())

    def start_timer(self, after_s: float) -> None:
        """Start the one timer of the call, in place of a running one."""
        self.cancel_timer()
        self.set(timer_id=self.new_id("timer"))
        self.emit(c.StartTimer(self.state.timer_id, after_s))

    def cancel_timer(self) -> None:
        """Stop the timer, if it runs."""
        if self.state.timer_id:
            self.emit(c.CancelTimer(self.state.timer_id))
            self.set(timer_id="")

    def quiet(self) -> None:
        """Stop prompt, listening and timer."""
        self.stop_prompt()
        self.stop_listening()
        self.cancel_timer()

    # --- ends

    def note(self, kind: str, outcome: str, *, started_at_s: float | None = None, **more: Any) -> None:
        """Write a line of the record about the current step."""
        started = self.at_s if started_at_s is None else started_at_s
        values = {"attempt": 1, **more}
        self.emit(c.NoteStep(self.state.step, kind, started, self.at_s, outcome=outcome, **values))

    def fail(self, kind: str, reason: str) -> None:
        """Something of ours broke in this step: go to `on_error`, once, else end the call."""
        self.note_failure(kind, reason)
        self.quiet()
        target = self.flow.on_error or self.flow.defaults.failed
        if target is None or self.state.has_failed:
            self.end(TEMPORARY_FAILURE)
            return
        self.set(has_failed=True)
        self.goto(target)

    def note_failure(self, kind: str, reason: str) -> None:
        """Write down that something of ours broke. Reasons quote the values that they stumbled over."""
        shown = "details left out: they may hold a sensitive value" if self.state.sensitive else reason
        self.note(kind, "error", detail=shown)

    def end(self, hangup_cause: int | None = None) -> None:
        """Hang up."""
        self.quiet()
        self.set(phase=Phase.ENDED)
        self.target = ""
        self.emit(c.HangUp(hangup_cause))


def masked(state: FlowState) -> dict[str, object]:
    """The variables of a call as they may be written down."""
    return {name: MASK if name in state.sensitive else value for name, value in state.variables.items()}
