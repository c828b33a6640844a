"""The way that a call took through its flow: steps entered, exits taken. Worked out from the engine's notes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ivr.flow import commands as c
from ivr.flow.checks.graph import END, edges_of
from ivr.flow.engine import Result
from ivr.flow.model import AskStep, Flow, InputStep, TransferStep, WhenStep
from ivr.flow.state import FlowState

ANSWERED = ("match", "confirmed")
"""Outcomes of a question that was answered."""

Exits = Mapping[str, Mapping[str, str]]
"""Step to its exits, and where each leads."""


def exits_of(flow: Flow) -> dict[str, dict[str, str]]:
    """The exits that a call can take, by step; commands belong to no step and are left out."""
    found: dict[str, dict[str, str]] = {name: {} for name in flow.steps}
    for name, edges in edges_of(flow).items():
        step, branch = flow.steps[name], 0
        for edge in edges:
            exit_name = edge.exit
            if isinstance(step, WhenStep) and exit_name == "when":
                exit_name = step.when[branch].condition or "else"
                branch += 1
            if _counts(flow, step, exit_name):
                found[name].setdefault(exit_name, edge.target)
        if isinstance(step, TransferStep):
            found[name]["connected"] = END
    return found


def _counts(flow: Flow, step: object, exit_name: str) -> bool:
    if isinstance(step, InputStep):
        return exit_name not in flow.commands or exit_name in _choices(step)
    # what a transfer has no exit of its own for leaves by `failed`
    return not isinstance(step, TransferStep) or getattr(step, exit_name, None) is not None


def _choices(step: InputStep) -> Sequence[str]:
    choices = getattr(step, "choices", None) or getattr(getattr(step, "menu", None), "choices", None) or {}
    return list(choices)


@dataclass(slots=True)
class _Visit:
    step: str
    notes: list[c.NoteStep] = field(default_factory=list)


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

    def follow(self, before: FlowState, result: Result) -> None:
        """One event."""
        visits = self._visits(before, result)
        self.steps += [visit.step for visit in visits[1 if before.step else 0 :]]
        for visit in visits:
            self._by_notes(visit)
        for visit, after in itertools.pairwise(visits):
            self._by_target(visit, after.step)
        if visits and any(isinstance(command, c.HangUp) for command in result.commands):
            self._by_target(visits[-1], END)

    def _visits(self, before: FlowState, result: Result) -> list[_Visit]:
        visits = [_Visit(before.step)] if before.step else []
        for command in result.commands:
            if isinstance(command, c.NoteStep) and command.step:
                if not visits or visits[-1].step != command.step:
                    visits.append(_Visit(command.step))
                visits[-1].notes.append(command)
        if result.state.step and (not visits or visits[-1].step != result.state.step):
            visits.append(_Visit(result.state.step))
        return visits

    def _by_notes(self, visit: _Visit) -> None:
        """Exits that a note names: the answer that was given, the outcome that came about."""
        step, exits = self.flow.steps.get(visit.step), self.exits.get(visit.step, {})
        for note in visit.notes:
            if note.kind == "command":
                self.commands.add(note.meaning)
                continue
            if isinstance(step, InputStep):
                named = self._answered(step, note)
            elif isinstance(step, TransferStep):
                named = note.outcome if note.outcome in exits or note.outcome == "hung_up" else "failed"
            else:
                named = note.meaning if isinstance(step, WhenStep) else note.outcome
            if named in exits:
                self.taken.add((visit.step, named))

    @staticmethod
    def _answered(step: InputStep, note: c.NoteStep) -> str:
        if note.outcome not in ANSWERED:
            return ""
        if isinstance(step, AskStep) and step.ask == "yes_no":
            return {"yes": "confirmed", "no": "denied"}.get(note.meaning, "")
        return note.meaning if note.meaning in _choices(step) else "next"

    def _by_target(self, visit: _Visit, target: str) -> None:
        """The exit by which a step was left, where no note named one."""
        step, exits = self.flow.steps.get(visit.step), self.exits.get(visit.step, {})
        last = visit.notes[-1] if visit.notes else None
        if last is not None and (last.kind == "command" or last.outcome == "error" or self._is_named(visit, last)):
            return
        leading = [name for name, leads_to in exits.items() if leads_to == target]
        if isinstance(step, InputStep):
            leading = [name for name in leading if name == "failed"] if last is not None else []
        if leading:
            self.taken.add((visit.step, leading[0]))
        elif not isinstance(step, InputStep):
            self._by_silent_branch(visit.step, exits, target)

    def _is_named(self, visit: _Visit, note: c.NoteStep) -> bool:
        step = self.flow.steps.get(visit.step)
        if isinstance(step, InputStep):
            return note.outcome in ANSWERED
        named = note.meaning if isinstance(step, WhenStep) else note.outcome
        return isinstance(step, TransferStep) or (visit.step, named) in self.taken

    def _by_silent_branch(self, name: str, exits: Mapping[str, str], target: str) -> None:
        """A `when` none of whose conditions held leaves no note: the one step that fits is taken to lie between."""
        for exit_name, between in exits.items():
            step = self.flow.steps.get(between)
            if isinstance(step, WhenStep) and self.exits[between].get("next") == target:
                self.steps.append(between)
                self.taken |= {(name, exit_name), (between, "next")}
                return
