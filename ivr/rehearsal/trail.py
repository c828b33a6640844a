"""The way that a call took through its flow: steps entered, exits taken. Worked out from the engine's notes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ivr.flow import commands as c
from ivr.flow.checks.graph import END
from ivr.flow.engine import Result
from ivr.flow.listening import HEARING
from ivr.flow.model import AskStep, Flow, MenuStep, Step, WhenStep
from ivr.flow.program import Program
from ivr.flow.state import FlowState, Phase
from ivr.flow.steps.kind import RETURN
from ivr.flow.steps.models import RunStep
from ivr.flow.steps.queue_model import QueueStep
from ivr.flow.steps.registry import kind_of
from ivr.flow.steps.survey import SurveyQuestion
from ivr.rehearsal.exits import Exits, choices_of

ANSWERED = ("match", "confirmed")
"""Outcomes of a question that was answered."""


class _Visit:
    __slots__ = ("hangs_up", "is_left_by_command", "is_skipped", "notes", "path", "place")

    def __init__(self, place: str, *, is_skipped: bool = False) -> None:
        """`is_skipped`: a question of a survey whose condition did not hold."""
        self.place = place
        """The step; `order/ask_number` for one of a flow that the step `order` runs."""
        self.path = place.split("/")
        self.notes: list[c.NoteStep] = []
        self.is_left_by_command = False
        """Whether the caller left it by a command, which is no exit of its own."""
        self.hangs_up = False
        self.is_skipped = is_skipped

    def note(self, note: c.NoteStep) -> None:
        self.notes.append(note)
        self.is_left_by_command = note.kind == "command"

    def inside(self) -> _Visit:
        """The same, as the flow sees it that the outermost step runs."""
        inner = _Visit(self.place.partition("/")[2], is_skipped=self.is_skipped)
        inner.notes, inner.hangs_up, inner.is_left_by_command = self.notes, self.hangs_up, self.is_left_by_command
        return inner

    def take(self, stay: Sequence[_Visit], *, is_inside: bool) -> None:
        """Add what happened in the step, or in the flow that it runs: of that, what came back and a command count."""
        self.is_left_by_command = stay[-1].is_left_by_command
        for visit in stay:
            is_back = len(visit.path) == 2
            self.notes += [note for note in visit.notes if not is_inside or (is_back and note.kind == "return")]
            self.hangs_up |= visit.hangs_up and not is_inside
            self.is_skipped |= visit.is_skipped and not is_inside


def place_of(state: FlowState) -> str:
    """Where a call stands, as its record names it."""
    return "/".join([*(frame.step for frame in state.frames), state.step]) if state.frames else state.step


@dataclass
class Trail:
    """Filled by a `CallScript`: give it `on_step=trail.follow`."""

    program: Program
    exits: Mapping[str, Exits]
    """Of every flow of the program, by its name."""
    steps: list[str] = field(default_factory=list)
    """In the order in which they were entered."""
    flows: dict[str, FlowTrail] = field(default_factory=dict)
    """By name: the ways through the flows that the call came through."""

    def through(self, flow: str) -> FlowTrail:
        """The way through one flow of the program."""
        known = self.flows.get(flow)
        if known is None:
            main = self.program.main
            found, ends = (main, (END, RETURN)) if flow == main.flow else (self.program.flow_named(flow), (END,))
            self.flows[flow] = known = FlowTrail(found, self.exits[flow], ends)
        return known

    def follow(self, before: FlowState, result: Result) -> None:
        """One event."""
        after = result.state
        told = [command for command in result.commands if type(command) in _TELLING]
        if not told and after.step == before.step and after.frames == before.frames:
            return  # the call stands where it stood: mostly so
        visits = self._visits(before, after, told)
        self.steps += [visit.place for visit in visits[1 if before.step else 0 :]]
        self._give_commands(visits)
        self._spread(self.program.main, visits, END if self._is_done(visits, result) else "")

    def _is_done(self, visits: Sequence[_Visit], result: Result) -> bool:
        """Whether the call is over because what is done without the caller has come to its end there."""
        step = self.program.main.steps.get(visits[-1].place) if visits else None
        is_over = result.state.has_left and result.state.phase is Phase.ENDED
        return is_over and step is not None and not kind_of(step).needs_caller and bool(visits[-1].notes)

    def _visits(self, before: FlowState, after: FlowState, told: Sequence[c.Command]) -> list[_Visit]:
        visits = [_Visit(place_of(before))] if before.step else []
        for command in told:
            if isinstance(command, c.NoteStep) and command.kind == HEARING:
                continue  # nothing that the flow does
            if isinstance(command, c.NoteStep) and command.step:
                if not visits or visits[-1].place != command.step:
                    visits.append(_Visit(command.step))
                visits[-1].note(command)
            elif isinstance(command, c.NoteAnswer) and command.outcome == "skipped" and visits:
                visits += self._skipped(visits[-1].path[:-1], command)
            elif isinstance(command, c.HangUp) and visits:
                self._hangs_up(visits)
        here = place_of(after)
        is_known = visits and (visits[-1].place == here or _has_ended_inside(visits[-1], here))
        if after.step and not is_known:
            visits.append(_Visit(here))
        return list(self._with_silent_branches(visits)) if len(visits) > 1 else visits

    def _skipped(self, outside: list[str], note: c.NoteAnswer) -> Iterator[_Visit]:
        for name, step in self.through(self._flow_at(outside)).flow.steps.items():
            if isinstance(step, SurveyQuestion) and (step.survey, step.question) == (note.survey, note.question):
                yield _Visit("/".join([*outside, name]), is_skipped=True)

    def _hangs_up(self, visits: list[_Visit]) -> None:
        """The call ended: with the last step, or with the one that runs its flow, if that one cannot have ended it."""
        while len(path := visits[-1].path) > 1 and not visits[-1].is_left_by_command:
            *outside, name = path
            if self.through(self._flow_at(outside)).may_end_call(name, visits[-1].notes):
                break
            visits.append(_Visit("/".join(outside)))
        visits[-1].hangs_up = True

    def _with_silent_branches(self, visits: Sequence[_Visit]) -> Iterator[_Visit]:
        """A `when` none of whose conditions held leaves no note: the one that fits is taken to lie between."""
        yield visits[0]
        for visit, after in itertools.pairwise(visits):
            *outside, name = after.path
            depth = len(outside)
            if not visit.is_left_by_command and len(visit.path) > depth and visit.path[:depth] == outside:
                between = self.through(self._flow_at(outside)).silent_branch(visit.path[depth], name)
                if between:
                    yield _Visit("/".join([*outside, between]))
            yield after

    def _flow_at(self, outside: Sequence[str]) -> str:
        """Name of the flow that these steps, each of the flow before it, lead into."""
        flow = self.program.main
        for name in outside:
            step = flow.steps[name]
            assert isinstance(step, RunStep)
            flow = self.program.flow_named(step.run)
        return flow.flow

    def _give_commands(self, visits: Sequence[_Visit]) -> None:
        """A command belongs to the innermost flow that has any (see `Run.commands_depth`)."""
        for visit in visits:
            for note in visit.notes:
                if note.kind == "command":
                    flows = [self._flow_at(visit.path[:depth]) for depth in range(len(visit.path))]
                    trails = [self.through(name) for name in flows]
                    owners = [each for each in trails[1:] if "commands" in each.flow.model_fields_set]
                    (owners[-1] if owners else trails[0]).commands.add(note.meaning)

    def _spread(self, flow: Flow, visits: Sequence[_Visit], end: str) -> None:
        """Give each flow its own part of the way; `end` is where the last step led, where that is known."""
        if _is_plain(visits):
            self.through(flow.flow).follow(visits, end)
            return
        own: list[_Visit] = []
        stays = [(place, list(of)) for place, of in itertools.groupby(visits, key=_own_step)]
        for (name, is_inside), stay in stays:
            if not own or own[-1].place != name:
                own.append(_Visit(name))
            own[-1].take(stay, is_inside=is_inside)
        is_inside_at_end = bool(stays) and stays[-1][0][1]
        self.through(flow.flow).follow(own, "" if is_inside_at_end else end)
        for number, ((name, is_inside), stay) in enumerate(stays, start=1):
            step = flow.steps.get(name)
            if is_inside and isinstance(step, RunStep):
                inner = [visit.inside() for visit in stay]
                self._spread(self.program.flow_named(step.run), inner, "" if number == len(stays) else RETURN)


_TELLING = frozenset({c.NoteStep, c.NoteAnswer, c.HangUp})
"""Commands that tell something of the way."""


def _is_plain(visits: Sequence[_Visit]) -> bool:
    """Whether each is to another step than the one before, and none to a flow that is run: mostly so."""
    before = ""
    for visit in visits:
        if len(visit.path) > 1 or visit.place == before:
            return False
        before = visit.place
    return True


def _own_step(visit: _Visit) -> tuple[str, bool]:
    """The step of the outermost flow, and whether the visit is to a flow that it runs."""
    return visit.path[0], len(visit.path) > 1


def _has_ended_inside(last: _Visit, here: str) -> bool:
    """Whether a flow that the step `here` runs ended the call itself."""
    return last.hangs_up and last.place.startswith(f"{here}/")


@dataclass
class FlowTrail:
    """The ways of a call through one of its flows."""

    flow: Flow
    exits: Exits
    ends: tuple[str, ...] = (END,)
    """Targets that end the call: in the flow of the call, what returns from it does."""
    steps: set[str] = field(default_factory=set)
    taken: set[tuple[str, str]] = field(default_factory=set)
    """Step and exit."""
    commands: set[str] = field(default_factory=set)
    """Commands that were obeyed."""
    _named: set[str] = field(default_factory=set)
    """Steps whose exit is known already, and that were not left yet."""

    def silent_branch(self, name: str, following: str) -> str:
        """The `when` that lies between two steps where none of its conditions held; empty where there is none."""
        exits = self.exits.of.get(name, {})
        if following in exits.values():
            return ""
        for between in exits.values():
            is_branch = isinstance(self.flow.steps.get(between), WhenStep)
            if is_branch and self.exits.of[between].get("next") == following:
                return between
        return ""

    def follow(self, visits: Sequence[_Visit], end: str) -> None:
        """One event's part in this flow; `end` is where the last of these steps led, where that is known."""
        for visit in visits:
            self.steps.add(visit.place)
            if visit.notes or visit.is_skipped:
                self._by_notes(visit)
        targets = [*(after.place for after in visits[1:]), end]
        for visit, target in zip(visits, targets, strict=True):
            if target or visit.hangs_up:
                self._by_target(visit, END if visit.hangs_up else target)

    def may_end_call(self, name: str, notes: Sequence[c.NoteStep]) -> bool:
        """Whether the call ended with this step, for all that its notes tell."""
        exits = self.exits.of.get(name, {})
        targets = [exits[named] for named in self._named_in(name, notes)] or list(exits.values())
        return END in targets

    def _by_notes(self, visit: _Visit) -> None:
        """Exits that a note names: the answer that was given, the outcome that came about."""
        found = self._named_in(visit.place, visit.notes)
        for named in ["skipped", *found] if visit.is_skipped else found:
            self.taken.add((visit.place, named))
            self._named.add(visit.place)

    def _named_in(self, name: str, notes: Sequence[c.NoteStep]) -> list[str]:
        step, exits = self.flow.steps.get(name), self.exits.of.get(name, {})
        stands_for = self.exits.stands_for.get(name, {})
        named = [_named_by(step, note) for note in notes if note.kind != "command"]
        return [exit_name for each in named if (exit_name := stands_for.get(each, each)) in exits]

    def _by_target(self, visit: _Visit, target: str) -> None:
        """The exit by which a step was left, where no note named one."""
        step, exits = self.flow.steps.get(visit.place), self.exits.of.get(visit.place, {})
        last = visit.notes[-1] if visit.notes else None
        is_named = visit.place in self._named
        self._named.discard(visit.place)
        if is_named or visit.is_left_by_command:
            return
        targets = self.ends if target == END else (target,)
        leading = [name for name, leads_to in exits.items() if leads_to in targets]
        if last is not None and last.outcome == "error":
            leading = [name for name in leading if name == "on_error"]
        elif isinstance(step, _QUESTIONS):
            leading = [name for name in leading if name == "failed"] if last is not None else []
        elif isinstance(step, RunStep) or (isinstance(step, WhenStep) and last is None):
            leading = [name for name in leading if name == "next"]
        if leading:
            self.taken.add((visit.place, leading[0]))


_QUESTIONS = (MenuStep, AskStep)


def _named_by(step: Step | None, note: c.NoteStep) -> str:
    """The exit that a note names, or the outcome that stands for one."""
    if isinstance(step, _QUESTIONS):
        return _answered(step, note)
    if isinstance(step, RunStep):
        return _came_back(step, note)
    if isinstance(step, QueueStep) and note.outcome == "left":
        return note.heard
    return note.meaning if isinstance(step, WhenStep) else note.outcome


def _answered(step: MenuStep | AskStep, note: c.NoteStep) -> str:
    if note.outcome == "no_choices":
        return "empty" if isinstance(step, AskStep) and step.empty else "failed"
    if note.outcome not in ANSWERED:
        return ""
    if isinstance(step, AskStep) and step.ask == "yes_no":
        return {"yes": "confirmed", "no": "denied"}.get(note.meaning, "")
    return note.meaning if note.meaning in choices_of(step) else "next"


def _came_back(step: RunStep, note: c.NoteStep) -> str:
    if note.kind != "return":
        return ""
    return note.meaning if note.meaning in step.outcomes else "next"
