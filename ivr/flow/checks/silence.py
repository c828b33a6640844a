"""What becomes of a caller who does nothing, in flows that run others. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ivr.flow.checks.graph import Edge, edges_of
from ivr.flow.model import Flow
from ivr.flow.steps.kind import RETURN
from ivr.flow.steps.models import ReturnStep, RunStep

Edges = Mapping[str, tuple[Edge, ...]]


def edges_in(flow: Flow, known: Mapping[str, Flow], above: tuple[str, ...] = ()) -> Edges:
    """Every way out of every step. One out of a `run` that only an answer of the caller leads to needs the caller.

    `known` are the flows that it can run; `above` those that run it, which it cannot run in its turn.
    """
    edges = edges_of(flow)
    silent = {
        name: _exits(step, _outcomes(known[step.run], known, (*above, flow.flow)))
        for name, step in flow.steps.items()
        if isinstance(step, RunStep) and step.run in known and step.run not in (*above, flow.flow)
    }
    return edges | {name: tuple(_narrowed(edges[name], exits)) for name, exits in silent.items()}


def _exits(step: RunStep, outcomes: frozenset[str]) -> frozenset[str]:
    return frozenset(outcome if outcome in step.outcomes else "next" for outcome in outcomes)


def _narrowed(edges: tuple[Edge, ...], silent: frozenset[str]) -> Iterator[Edge]:
    for edge in edges:
        needs_caller = edge.exit not in silent and edge.exit != "on_error"
        yield replace(edge, without_caller=False) if needs_caller else edge


def _outcomes(part: Flow, known: Mapping[str, Flow], above: tuple[str, ...]) -> frozenset[str]:
    """With which outcomes a flow ends although the caller does nothing; the empty one is its mere end."""
    edges = edges_in(part, known, above)
    seen, waiting, found = set[str](), [part.start], set[str]()
    while waiting:
        name = waiting.pop()
        if name == RETURN:
            found.add("")
        step = part.steps.get(name)
        if step is None or name in seen:
            continue
        seen.add(name)
        if isinstance(step, ReturnStep):
            found.add(step.give_back.outcome or "")
        waiting += [edge.target for edge in edges[name] if edge.without_caller]
    return frozenset(found)
