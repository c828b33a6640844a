"""What is known and can be said at one moment of a call: its flow, its variables, the texts that they make."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ivr.flow import prompts, templates
from ivr.flow.languages import language_for
from ivr.flow.languages.base import Language
from ivr.flow.masking import MASK
from ivr.flow.model import Flow
from ivr.flow.parts import Prompt
from ivr.flow.program import Program
from ivr.flow.prompts import Said
from ivr.flow.segments import Segment
from ivr.flow.state import Draft, FlowState, Frame, draft_of


class Moment:
    """A call while it is given an event."""

    __slots__ = ("at_s", "flow", "opened", "program", "state", "steps")

    def __init__(self, program: Program, state: FlowState, at_s: float) -> None:
        """The state that is given stays as it is."""
        self.program = program
        self.state = draft_of(state)
        self.at_s = at_s
        self.is_in_flow()

    def is_in_flow(self) -> None:
        """Another flow has become the current one, or the stack another one."""
        state = self.state
        own = self.program.flow_named(state.flow)
        self.flow = self._with_commands(own) if state.frames else own
        """The flow that the current step belongs to. Without commands of its own it has those of whoever runs it."""
        self.steps = self.flow.steps
        self.opened = self.flow.opened

    def _with_commands(self, own: Flow) -> Flow:
        owner = self.flow_at(self.commands_depth)
        if owner is own:
            return own
        known = owner.with_commands_of.get(own.flow)
        if known is None or known[0] is not own:
            known = (own, own.model_copy(update={"commands": owner.commands}))
            owner.with_commands_of[own.flow] = known
        return known[1]

    def flow_at(self, depth: int) -> Flow:
        """A flow of the stack, 0 being the one that the call began in."""
        frames = self.state.frames
        return self.program.flow_named(frames[depth].flow if depth < len(frames) else self.state.flow)

    @property
    def commands_depth(self) -> int:
        """Which flow of the stack has the commands that are heard now."""
        depth = len(self.state.frames)
        while depth and "commands" not in self.flow_at(depth).model_fields_set:
            depth -= 1
        return depth

    @property
    def variables(self) -> Mapping[str, object]:
        """What templates and conditions can read: the flow's variables, and `step`."""
        state = self.state
        step = {"name": state.step, "visits": self.visits, "attempt": state.input.attempt}
        return {**state.variables, "step": step}

    @property
    def visits(self) -> int:
        """How often the current step was entered, this time included."""
        return self.state.visits.get(self.state.step, 1)

    @property
    def language(self) -> Language:
        """The language that the call is in."""
        return language_for(self.state.language)

    @property
    def masked_variables(self) -> Mapping[str, object]:
        """Variables as they may be written down."""
        sensitive = self.state.sensitive
        return {**self.variables, **_masked(self.state.variables, sensitive)} if sensitive else self.variables

    def change_language(self, tag: str) -> None:
        """Speak and listen in another language from here on."""
        known = self.state.variables.get("call")
        call = {**(known if isinstance(known, Mapping) else {}), "language": tag}
        self.state.language = tag
        self.state.variables = {**self.state.variables, "call": MappingProxyType(call)}

    def segments(
        self, prompt: Prompt, extra: Mapping[str, object] | None = None, shown: Mapping[str, object] | None = None
    ) -> tuple[Segment, ...]:
        """What is played for a prompt. Raises TemplateFailed."""
        return self.said(prompt, extra, shown).segments

    def said(
        self, prompt: Prompt, extra: Mapping[str, object] | None = None, shown: Mapping[str, object] | None = None
    ) -> Said:
        """How a prompt is said; `shown` is `extra` as it may be written down. Raises TemplateFailed."""
        language = self.state.language
        fixed = prompts.fixed(prompt, language)
        if fixed is not None:
            return fixed
        if prompt.by_count:
            return self.said(prompt.for_count(self.visits), extra, shown)
        variables = {**self.variables, **extra} if extra else self.variables
        found = prompts.segments_of(prompt, variables, language)
        if self.state.sensitive or (shown and shown != extra):
            written = {**self.masked_variables, **(shown or extra or {})}
            found = prompts.with_sensitive_marked(found, prompt, written, language)
            return Said(prompts.without_empty(found), self._written(prompt, written))
        return Said(prompts.without_empty(found), prompts.text_of_segments(found))

    def text(self, prompt: Prompt, extra: Mapping[str, object] | None = None) -> str:
        """What the record says of a prompt; a text that cannot be told without a masked value is masked whole."""
        prompt = prompt.for_count(self.visits)
        fixed = prompts.fixed(prompt, self.state.language)
        return self._written(prompt, {**self.masked_variables, **(extra or {})}) if fixed is None else fixed.text

    def _written(self, prompt: Prompt, written: Mapping[str, object]) -> str:
        try:
            return prompts.text_of(prompt, written, self.state.language)
        except templates.TemplateFailed:
            return MASK

    # --- flows that run flows

    @property
    def frame(self) -> Frame:
        """The current flow as a frame."""
        now = self.state
        return Frame(now.flow, now.step, now.variables, now.sensitive, now.history, now.finished, now.visits)

    def enter_frame(self, frame: Frame) -> None:
        """Begin a flow, or take one up again; the current one waits in its step."""
        self.state.frames = (*self.state.frames, self.frame)
        self._restore(frame)
        self.is_in_flow()

    def leave_flow(self) -> Frame:
        """Go back to the flow that waits, without a word; what was current is returned."""
        left = self.frame
        *rest, waiting = self.state.frames
        self._restore(waiting)
        self.state.frames = tuple(rest)
        self.is_in_flow()
        return left

    def _restore(self, frame: Frame) -> None:
        """Make a frame the current flow; what is known of the call itself stays as it is."""
        call = {"call": self.state.variables["call"]} if "call" in self.state.variables else {}
        self.state.flow = frame.flow
        self.state.step = frame.step
        self.state.variables = {**frame.variables, **call}
        self.state.sensitive = frame.sensitive
        self.state.history = frame.history
        self.state.finished = frame.finished
        self.state.visits = frame.visits
        self.state.form = None


def masked(state: Draft) -> dict[str, object]:
    """The variables of the flow that the call began in, as they may be written down."""
    outermost = state.frames[0] if state.frames else state
    return {name: value for name, value in _masked(outermost.variables, outermost.sensitive).items() if name != "error"}


def _masked(variables: Mapping[str, object], sensitive: frozenset[str]) -> dict[str, object]:
    return {name: MASK if name in sensitive else value for name, value in variables.items()}
