"""The exits that calls can take out of the steps of a flow, as the coverage of conversations counts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ivr.flow.checks.graph import END, Edge, edges_of, edges_of_step
from ivr.flow.model import AskStep, Flow, InputStep, MenuStep, Step, WhenStep
from ivr.flow.program import Program
from ivr.flow.steps.queue_model import QueueStep
from ivr.flow.steps.run_flow import is_spare
from ivr.flow.steps.survey import SurveyNote, SurveyQuestion, past_notes
from ivr.immutable import immutable
from ivr.rehearsal.ending import words_of_talk

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
    found: dict[str, dict[str, str]] = {name: {} for name in steps_of(flow)}
    aliases: dict[str, dict[str, str]] = {}
    ways, commands = edges_of(flow), commands_of(flow)
    without_commands = flow.model_copy(update={"commands": {}})
    for name in found:
        step = flow.steps[name]
        known = edges_of_step(without_commands, name) if isinstance(step, QueueStep) else ways[name]
        edges = [_past_notes(flow, edge) for edge in known]
        if isinstance(step, WhenStep):
            found[name] = _branches(step, edges)
        elif isinstance(step, InputStep):
            choices = choices_of(step)
            edges_here = (edge for edge in edges if edge.exit not in commands or edge.exit in choices)
            found[name] = {edge.exit: edge.target for edge in reversed(list(edges_here))}
        else:
            found[name], aliases[name] = _outcomes(step, edges)
        found[name].update(dict.fromkeys(words_of_talk(step), END))
    return Exits(found, aliases)


def steps_of(flow: Flow) -> list[str]:
    """The steps that a call can be said to have come to; what a survey keeps its answers by is none."""
    return [name for name, step in flow.steps.items() if not isinstance(step, SurveyNote)]


def commands_of(flow: Flow) -> list[str]:
    """What callers may ask for anywhere, and the ways out of surveys."""
    questions = (step for step in flow.steps.values() if isinstance(step, SurveyQuestion))
    return list(dict.fromkeys([*flow.commands, *(name for step in questions for name in step.own_commands)]))


def _past_notes(flow: Flow, edge: Edge) -> Edge:
    target = past_notes(flow, edge.target)
    return edge if target == edge.target else replace(edge, target=target)


def _branches(step: WhenStep, edges: Sequence[Edge]) -> dict[str, str]:
    names = [branch.condition or "else" for branch in step.when]
    return dict(zip([*names, "next"], [edge.target for edge in edges], strict=False))


def _outcomes(step: Step, edges: Sequence[Edge]) -> tuple[dict[str, str], dict[str, str]]:
    """Exits that the step writes, one for each further place that it can lead to, and what leaves by those."""
    written = {edge.exit: edge.target for edge in edges if _is_written(step, edge.exit)}
    exits, stands_for = dict(written), dict[str, str]()
    others = [edge for edge in edges if edge.exit not in written and not is_spare(step, edge.exit)]
    for edge in sorted(others, key=lambda edge: edge.exit not in REST):
        same = [name for name, target in exits.items() if target == edge.target]
        if same:
            stands_for[edge.exit] = next((name for name in same if name in REST), same[0])
        else:
            exits[edge.exit] = edge.target
    return exits, stands_for


def _is_written(step: Step, exit_name: str) -> bool:
    fields = step.__dict__
    named = (fields.get("status", ()), fields.get("outcomes", ()), fields.get("keys", ()))
    return fields.get(exit_name) is not None or any(exit_name in names for names in named)


def choices_of(step: InputStep) -> Sequence[str]:
    if isinstance(step, MenuStep):
        return list(step.menu.choices)
    return list(step.choices or ()) if isinstance(step, AskStep) else []


def exits_in(program: Program) -> dict[str, Exits]:
    """The exits of every flow of a program, by its name."""
    return {flow.flow: exits_of(flow) for flow in program.flows}
