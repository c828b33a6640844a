"""Rules about flows that run flows: what is run, given, brought back, and in which language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ivr.errors import Problem
from ivr.flow.checks.graph import edges_of
from ivr.flow.checks.subject import Subject
from ivr.flow.model import Flow
from ivr.flow.program import chain_to
from ivr.flow.prompts import changes_to, languages_of
from ivr.flow.steps.kind import RETURN
from ivr.flow.steps.models import ReturnStep, RunStep
from ivr.flow.steps.registry import kind_of
from ivr.model_errors import did_you_mean


def _runs(subject: Subject) -> Iterator[tuple[str, RunStep]]:
    for name, step in subject.flow.steps.items():
        if isinstance(step, RunStep):
            yield name, step


def _known_runs(subject: Subject) -> Iterator[tuple[str, RunStep, Flow]]:
    for name, step in _runs(subject):
        part = (subject.context.flows or {}).get(step.run)
        if part is not None:
            yield name, step, part


def unknown_flow(subject: Subject) -> Iterator[Problem]:
    """A `run` of a flow that is not there, or that cannot go into service."""
    known = subject.context.flows
    for name, step in _runs(subject):
        if known is not None and step.run not in known and step.run != subject.flow.flow:
            hint = did_you_mean(step.run, sorted(known)) or "put its file beside this one"
            message = f"there is no flow '{step.run}' that can go into service; {hint}"
            yield subject.error(("steps", name, "run"), message, "unknown_flow")


def recursion(subject: Subject) -> Iterator[Problem]:
    """A flow that runs itself, alone or by way of others."""
    known: Mapping[str, Flow] = {**(subject.context.flows or {}), subject.flow.flow: subject.flow}
    for name, step in _runs(subject):
        chain = chain_to(subject.flow, step.run, known)
        if chain:
            way = " → ".join([subject.flow.flow, *chain])
            message = f"this flow would run itself ({way}); use a loop of steps instead"
            yield subject.error(("steps", name, "run"), message, "recursion")


def run_values(subject: Subject) -> Iterator[Problem]:
    """Values that the flow does not know, or needs and is not given."""
    for name, step, part in _known_runs(subject):
        path = ("steps", name, "with")
        taken = [*part.takes, *part.variables]
        for variable in step.given:
            if variable not in taken:
                hint = did_you_mean(variable, taken) or "remove it"
                message = f"the flow {step.run} has no variable '{variable}'; {hint}"
                yield subject.error((*path, variable), message, "run_value", at_key=True)
        missing = [variable for variable in part.takes if variable not in step.given]
        if missing:
            message = f"the flow {step.run} needs {', '.join(missing)}; write it under `with:`"
            yield subject.error(("steps", name, "run"), message, "run_value", at_key=True)


def run_outcomes(subject: Subject) -> Iterator[Problem]:
    """Exits that are never taken, outcomes without an exit, results that never come."""
    for name, step, part in _known_runs(subject):
        returned = returns_of(part)
        keys = [field.alias or field_name for field_name, field in RunStep.model_fields.items()]
        for outcome in step.outcomes:
            if outcome not in returned:
                hint = did_you_mean(outcome, [*filter(None, returned), *keys]) or "remove it"
                message = f"the flow {step.run} never returns '{outcome}'; {hint}"
                yield subject.error(("steps", name, outcome), message, "run_outcome", at_key=True)
        open_ends = [outcome for outcome in returned if outcome and outcome not in step.outcomes]
        if open_ends and step.next is None:
            message = f"nothing says where the caller goes on {', '.join(open_ends)}; add `{open_ends[0]}:` or `next:`"
            yield subject.error(("steps", name, "run"), message, "run_outcome", at_key=True)
        for variable, value in step.into.items() if isinstance(step.into, dict) else ():
            values = sorted({key for each in returned.values() for key in each})
            if value not in values:
                message = (
                    f"the flow {step.run} never returns a value '{value}'; {did_you_mean(value, values) or 'remove it'}"
                )
                yield subject.error(("steps", name, "into", variable), message, "run_value")


def returns_of(flow: Flow) -> dict[str, frozenset[str]]:
    """Outcome to the values that surely come with it; the empty outcome is the flow's mere end."""
    found: dict[str, frozenset[str]] = {}
    for step in flow.steps.values():
        if isinstance(step, ReturnStep):
            outcome, values = step.give_back.outcome or "", frozenset(step.give_back.values)
            found[outcome] = found.get(outcome, values) & values
    if any(edge.target == RETURN for edges in edges_of(flow).values() for edge in edges):
        found[""] = frozenset()
    return found


def surely_kept(step: RunStep, part: Flow | None, exit_key: str) -> frozenset[str]:
    """Variables of `into` that have a value behind an exit of a `run`, by whichever outcome it was taken."""
    if part is None or not isinstance(step.into, dict):
        return kind_of(step).variables(step)
    returned = returns_of(part)
    taken = [outcome for outcome in returned if exit_key == (outcome if outcome in step.outcomes else "next")]
    values = frozenset.intersection(*(returned[outcome] for outcome in taken)) if taken else frozenset[str]()
    return frozenset(variable for variable, value in step.into.items() if value in values)


def run_language(subject: Subject) -> Iterator[Problem]:
    """A flow that cannot speak a language of the call, or leads it into one that this flow does not speak."""
    for name, step, part in _known_runs(subject):
        path, there = ("steps", name, "run"), {tag.split("-")[0] for tag in languages_of(part)}
        missing = [tag for tag in subject.languages if tag.split("-")[0] not in there]
        if missing:
            message = f"the flow {step.run} does not speak {', '.join(missing)}; add it to its `languages:`"
            yield subject.error(path, message, "run_language")
        here = {tag.split("-")[0] for tag in subject.languages}
        foreign = [tag for tag in changes_to(part) if tag.split("-")[0] not in here]
        if foreign:
            message = f"the flow {step.run} changes to {', '.join(foreign)}; add it to `languages:` here"
            yield subject.error(path, message, "run_language")
