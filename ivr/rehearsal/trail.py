"""The way that a call took through its flow: steps entered, exits taken. Worked out from the engine's notes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ivr.flow import commands as c
from ivr.flow.checks.graph import END, Edge, edges_of
from ivr.flow.engine import Result
from ivr.flow.model import AskStep, Flow, InputStep, MenuStep, Step, TransferStep, WhenStep
from ivr.flow.state import FlowState, Phase
from ivr.flow.steps.kind import RETURN
from ivr.flow.steps.models import RunStep
from ivr.flow.steps.registry import kind_of
from ivr.immutable import immutable

ANSWERED = ("match", "confirmed")
"""Outcomes of a question that was answered."""

REST = ("failed", "error", "closed", "next")
"""Exits that stand for outcomes without an exit of their own."""


@immutable
class Exits:
    """The exits that a call can take."""

    of: Mapping[str, Mapping[str, str]]
    """Step to its exits, and where each leads."""
    stands_for: Mapping[str, Mapping[str, str]]
    """Step to outcomes without an exit of their own, and the exit by which they leave."""


def exits_of(flow: Flow) -> Exits:
    """The exits of a flow; commands belong to no step and are left out."""
    found: dict[str, dict[str, str]] = {name: {} for name in flow.steps}
    aliases: dict[str, dict[str, str]] = {}
    for name, edges in edges_of(flow).items():
        step = flow.steps[name]
        if isinstance(step, WhenStep):
            found[name] = _branches(step, edges)
        elif isinstance(step, InputStep):
            choices = _choices(step)
            edges_here = (edge for edge in edges if edge.exit not in flow.commands or edge.exit in choices)
            found[name] = {edge.exit: edge.target for edge in reversed(list(edges_here))}
        else:
            found[name], aliases[name] = _outcomes(step, edges)
        if isinstance(step, TransferStep):
            found[name]["connected"] = END
    return Exits(found, aliases)


def _branches(step: WhenStep, edges: Sequence[Edge]) -> dict[str, str]:
    names = [branch.condition or "else" for branch in step.when]
    return dict(zip([*names, "next"], [edge.target for edge in edges], strict=False))


def _outcomes(step: Step, edges: Sequence[Edge]) -> tuple[dict[str, str], dict[str, str]]:
    """Exits that the step writes, one for each further place that it can lead to, and what leaves by those."""
    written = {edge.exit: edge.target for edge in edges if _is_written(step, edge.exit)}
    exits, stands_for = dict(written), dict[str, str]()
    others = [edge for edge in edges if edge.exit not in written and not _is_spare(step, edge.exit)]
    for edge in sorted(others, key=lambda edge: edge.exit not in REST):
        same = [name for name, target in exits.items() if target == edge.target]
        if same:
            stands_for[edge.exit] = next((name for name in same if name in REST), same[0])
        else:
            exits[edge.exit] = edge.target
    return exits, stands_for


def _is_spare(step: Step, exit_name: str) -> bool:
    """The `next` of a `run` that names the outcomes and writes none: the check sees to it that no outcome is left."""
    return isinstance(step, RunStep) and exit_name == "next" and bool(step.outcomes)


def _is_written(step: Step, exit_name: str) -> bool:
    return getattr(step, exit_name, None) is not None or exit_name in {
        **getattr(step, "status", {}),
        **getattr(step, "outcomes", {}),
    }


def _choices(step: InputStep) -> Sequence[str]:
    choices = getattr(step, "choices", None) or getattr(getattr(step, "menu", None), "choices", None) or {}
    return list(choices)


@dataclass(slots=True)
class _Visit:
    place: str
    """The step; `order/ask_number` for one of a flow that the step `order` runs."""
    notes: list[c.NoteStep] = field(default_factory=list)

    @property
    def ends_with_command(self) -> bool:
        """Whether the caller left it by a command, which is no exit of its own."""
        return bool(self.notes) and self.notes[-1].kind == "command"


def place_of(state: FlowState) -> str:
    """Where a call stands, as its record names it."""
    return "/".join([*(frame.step for frame in state.frames), state.step])


def _outermost(visits: Sequence[_Visit]) -> list[_Visit]:
    """The visits as the flow under test sees them: what goes on in a flow that a step runs belongs to that step."""
    found: list[_Visit] = []
    for visit in visits:
        name = visit.place.partition("/")[0]
        if not found or found[-1].place != name:
            found.append(_Visit(name))
        found[-1].notes += visit.notes
    return found


@dataclass
class Trail:
    """Filled by a `CallScript`: give it `on_step=trail.follow`."""

    flow: Flow
    exits: Exits
    steps: list[str] = field(default_factory=list)
    """In the order in which they were entered."""
    taken: set[tuple[str, str]] = field(default_factory=set)
    """Step and exit."""
    commands: set[str] = field(default_factory=set)
    """Commands that were obeyed."""
    _named: set[str] = field(default_factory=set)
    """Steps whose exit is known already, and that were not left yet."""

    def follow(self, before: FlowState, result: Result) -> None:
        """One event."""
        visits = self._visits(before, result)
        self.steps += [visit.place for visit in visits[1 if before.step else 0 :]]
        outer = _outermost(visits)
        for visit in outer:
            self._by_notes(visit)
        for visit, after in itertools.pairwise(outer):
            self._by_target(visit, after.place)
        if outer and (self._hangs_up(result) or self._is_done(outer[-1], result)):
            self._by_target(outer[-1], END)

    @staticmethod
    def _hangs_up(result: Result) -> bool:
        return any(isinstance(command, c.HangUp) for command in result.commands)

    def _is_done(self, last: _Visit, result: Result) -> bool:
        """Whether the call is over because what is done without the caller has come to its end there."""
        step = self.flow.steps.get(last.place)
        is_over = result.state.has_left and result.state.phase is Phase.ENDED
        return is_over and step is not None and not kind_of(step).needs_caller and bool(last.notes)

    def _visits(self, before: FlowState, result: Result) -> list[_Visit]:
        visits = [_Visit(place_of(before))] if before.step else []
        for command in result.commands:
            if isinstance(command, c.NoteStep) and command.step:
                if not visits or visits[-1].place != command.step:
                    visits.append(_Visit(command.step))
                visits[-1].notes.append(command)
        if result.state.step and (not visits or visits[-1].place != place_of(result.state)):
            visits.append(_Visit(place_of(result.state)))
        return list(self._with_silent_branches(visits))

    def _with_silent_branches(self, visits: Sequence[_Visit]) -> Iterator[_Visit]:
        """A `when` none of whose conditions held leaves no note: the one that fits is taken to lie between."""
        for visit, after in itertools.pairwise([*visits, None]):
            assert visit is not None
            yield visit
            exits = self.exits.of.get(visit.place, {})
            if after is not None and after.place not in exits.values() and not visit.ends_with_command:
                for between in exits.values():
                    is_branch = isinstance(self.flow.steps.get(between), WhenStep)
                    if is_branch and self.exits.of[between].get("next") == after.place:
                        yield _Visit(between)
                        break

    def _by_notes(self, visit: _Visit) -> None:
        """Exits that a note names: the answer that was given, the outcome that came about."""
        step, exits = self.flow.steps.get(visit.place), self.exits.of.get(visit.place, {})
        for note in visit.notes:
            if note.kind == "command":
                self.commands.add(note.meaning)
                continue
            if isinstance(step, MenuStep | AskStep):
                named = self._answered(step, note)
            else:
                says_by_meaning = isinstance(step, WhenStep) or note.kind == "return"
                named = note.meaning if says_by_meaning else note.outcome
                named = self.exits.stands_for.get(visit.place, {}).get(named, named)
            if named in exits:
                self.taken.add((visit.place, named))
                self._named.add(visit.place)

    @staticmethod
    def _answered(step: MenuStep | AskStep, note: c.NoteStep) -> str:
        if note.outcome not in ANSWERED:
            return ""
        if isinstance(step, AskStep) and step.ask == "yes_no":
            return {"yes": "confirmed", "no": "denied"}.get(note.meaning, "")
        return note.meaning if note.meaning in _choices(step) else "next"

    def _by_target(self, visit: _Visit, target: str) -> None:
        """The exit by which a step was left, where no note named one."""
        step, exits = self.flow.steps.get(visit.place), self.exits.of.get(visit.place, {})
        last = visit.notes[-1] if visit.notes else None
        is_named = visit.place in self._named
        self._named.discard(visit.place)
        if is_named or visit.ends_with_command:
            return
        targets = (END, RETURN) if target == END else (target,)  # what returns from the flow of the call ends it
        leading = [name for name, leads_to in exits.items() if leads_to in targets]
        if last is not None and last.outcome == "error":
            leading = [name for name in leading if name == "on_error"]
        elif isinstance(step, MenuStep | AskStep):
            leading = [name for name in leading if name == "failed"] if last is not None else []
        elif isinstance(step, WhenStep) and last is None:
            leading = [name for name in leading if name == "next"]
        if leading:
            self.taken.add((visit.place, leading[0]))
