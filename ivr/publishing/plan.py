"""Which flows go into service, given those in service and the files as they are now. Pure.

Flows are adopted as a set: a call that runs several of them must find them fitting together. A change that would break
an unchanged flow is held back, and so is one that breaks rules; what was in service stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ivr.calls.routing import DRAFT_SUFFIX
from ivr.errors import Problem, Severity
from ivr.flow.loader import LoadedFlow

Flows = Mapping[str, LoadedFlow]
"""A set of flows by the name under which they are served."""

Check = Callable[[Flows], Mapping[str, Sequence[Problem]]]
"""Judges a set of flows that would be in service together; warnings come along."""


@dataclass(frozen=True, slots=True)
class FlowFile:
    """One file, read."""

    file: str
    name: str
    """Under which its flow would be served; empty where the file cannot be read as a flow."""
    loaded: LoadedFlow | None
    problems: tuple[Problem, ...] = ()
    """Why it cannot be read."""
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class Plan:
    """What shall be in service."""

    flows: Flows = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    """Everything that was found in files, warnings too."""
    held: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
    """By name: why the newer file (or the removal) does not take effect."""

    def changes_from(self, serving: Flows) -> tuple[dict[str, LoadedFlow], frozenset[str]]:
        """Flows that are new or other than those `serving`, and names that go."""
        new = {name: flow for name, flow in self.flows.items() if not _is_same(flow, serving.get(name))}
        return new, frozenset(serving) - frozenset(self.flows)


def make_plan(serving: Flows, files: Sequence[FlowFile], check: Check) -> Plan:
    """The plan; `serving` are the flows in service, drafts among them."""
    newest, problems = _by_name(files, {flow.file for flow in serving.values()})
    kept = {name: flow for name, flow in serving.items() if not name.endswith(DRAFT_SUFFIX)}
    unreadable = {file.file: file.problems for file in files if file.loaded is None}
    stuck = {name: flow for name, flow in kept.items() if name not in newest and flow.file in unreadable}
    gone = kept.keys() - newest.keys() - stuck.keys()
    if gone and not stuck and all(name.endswith(DRAFT_SUFFIX) for name in newest):
        return _nothing_left(kept, problems)
    wanted = {**stuck, **newest}
    verdicts = check(wanted)
    adoption = _Adoption(kept, wanted, check, verdicts)
    adopted = adoption.result()
    held = {name: tuple(unreadable[flow.file]) for name, flow in stuck.items()}
    for name in sorted(wanted.keys() - stuck.keys() | gone):
        if _version(adopted.get(name)) != _version(wanted.get(name)):
            held[name] = adoption.refused[name]
    found = (*problems, *(problem for each in verdicts.values() for problem in each))
    return Plan(adopted, tuple(sorted(set(found))), held)


def _by_name(files: Iterable[FlowFile], in_service: set[str]) -> tuple[dict[str, LoadedFlow], list[Problem]]:
    """The readable flows and what is wrong with files. Of two with one name, the file in service counts."""
    newest: dict[str, LoadedFlow] = {}
    problems: list[Problem] = []
    for file in sorted(files, key=lambda each: (each.file not in in_service, each.file)):
        problems += file.problems
        if file.loaded is None:
            continue
        first = newest.setdefault(file.name, file.loaded)
        if first is not file.loaded:
            message = f"a flow named '{file.loaded.flow.flow}' is already in {first.file}; give this one another name"
            problems.append(file.loaded.source.problem(("flow",), message, "duplicate_flow", step="flow"))
    return newest, problems


def _nothing_left(kept: Flows, problems: Sequence[Problem]) -> Plan:
    """Every file gone at once is a folder that is not mounted or a checkout in progress, not a wish."""
    held = {
        name: (_problem(flow.file, "every flow file is gone; stays in service until the folder holds a flow again"),)
        for name, flow in kept.items()
    }
    return Plan(kept, tuple(sorted((*problems, *(problem for each in held.values() for problem in each)))), held)


class _Adoption:
    """From what is in service towards what is wanted, as far as the check allows."""

    def __init__(self, kept: Flows, wanted: Flows, check: Check, verdicts: Mapping[str, Sequence[Problem]]) -> None:
        self._kept, self._wanted, self._check, self._verdicts = kept, wanted, check, verdicts
        self._known: Mapping[str, Sequence[Problem]] | None = None
        self.refused: dict[str, tuple[Problem, ...]] = {}
        """By name: why a change was not adopted."""

    def result(self) -> dict[str, LoadedFlow]:
        """The largest change that leaves no changed flow with errors and no unchanged one with new errors."""
        trial, verdicts = dict(self._wanted), self._verdicts
        while bad := self._changed_with_errors(trial, verdicts):
            for name in bad:
                self.refused[name] = _errors(verdicts[name])
                self._revert(trial, name)
            verdicts = self._check(trial)
        return trial if not self._hurt(trial, verdicts) else self._one_by_one(trial)

    def _one_by_one(self, wanted: Flows) -> dict[str, LoadedFlow]:
        now = dict(self._kept)
        for name in sorted(wanted.keys() | now.keys()):
            trial = dict(now)
            if name in wanted:
                trial[name] = wanted[name]
            else:
                del trial[name]
            verdicts = self._check(trial)
            hurt = self._changed_with_errors(trial, verdicts) or self._hurt(trial, verdicts)
            if not hurt:
                now = trial
            elif name not in trial or not _is_same(trial[name], self._kept.get(name)):
                self.refused[name] = (_breaks_others(name, self._wanted.get(name), self._kept.get(name), hurt),)
        return now

    def _revert(self, trial: dict[str, LoadedFlow], name: str) -> None:
        if name in self._kept:
            trial[name] = self._kept[name]
        else:
            del trial[name]

    def _changed_with_errors(self, trial: Flows, verdicts: Mapping[str, Sequence[Problem]]) -> list[str]:
        changed = [name for name, flow in trial.items() if not _is_same(flow, self._kept.get(name))]
        return [name for name in changed if _errors(verdicts.get(name, ()))]

    def _hurt(self, trial: Flows, verdicts: Mapping[str, Sequence[Problem]]) -> list[str]:
        """Unchanged flows with an error that they had not before."""
        hurt = []
        for name, flow in trial.items():
            if _is_same(flow, self._kept.get(name)) and (errors := _errors(verdicts.get(name, ()))):
                if self._known is None:
                    self._known = self._check(self._kept)
                known = {_essence(problem) for problem in self._known.get(name, ())}
                if any(_essence(problem) not in known for problem in errors):
                    hurt.append(name)
        return hurt


def _is_same(flow: LoadedFlow, other: LoadedFlow | None) -> bool:
    return _version(flow) == _version(other)


def _version(flow: LoadedFlow | None) -> str:
    return flow.flow.version if flow else ""


def _errors(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(problem for problem in problems if problem.severity is Severity.ERROR)


def _essence(problem: Problem) -> Problem:
    """The problem wherever its file lies."""
    return replace(problem, file="")


def _breaks_others(name: str, wanted: LoadedFlow | None, kept: LoadedFlow | None, hurt: Iterable[str]) -> Problem:
    flow = wanted or kept
    assert flow is not None
    what = "this change" if wanted else "its removal"
    broken = ", ".join(sorted(set(hurt) - {name})) or name
    message = f"{what} does not fit together with the other flows in service ({broken}); change those as well"
    return _problem(flow.file, message, name)


def _problem(file: str, message: str, step: str = "") -> Problem:
    return Problem(file, 1, 1, step, message, rule="held_back")
