"""The ways through a flow, as edges between steps. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ivr.flow.model import Flow
from ivr.flow.steps import queue, transfer
from ivr.flow.steps.kind import END as END
from ivr.flow.steps.kind import Exit
from ivr.flow.steps.registry import kind_of
from ivr.immutable import immutable

TRANSFER_FAILURES = transfer.FAILURES
QUEUE_FAILURES = queue.FAILURES


@immutable
class Edge:
    """One way from a step to the next."""

    source: str
    target: str
    """A step, END, or something unknown. `repeat` is already the step itself; `back` makes no edge."""
    exit: str
    """The key that names it: `next`, `failed`, `busy`, a choice, a command."""
    without_caller: bool
    """Taken without the caller having said or pressed anything."""
    keeps_answer: bool = False
    """Whether the step's `into` holds a value from here on."""


def edges_of(flow: Flow) -> dict[str, tuple[Edge, ...]]:
    """Every way out of every step, with the defaults and commands of the flow applied."""
    return {name: tuple(edges_of_step(flow, name)) for name in flow.steps}


def edges_of_step(flow: Flow, name: str) -> Iterator[Edge]:
    """Every way out of one step."""
    step = flow.steps[name]
    ways = list(kind_of(step).exits(flow, step))
    if step.on_error:
        ways.append(Exit("on_error", step.on_error))
    for way in ways:
        if way.target in flow.steps or way.target not in ("back", "repeat", "help"):
            yield Edge(name, way.target, way.key, way.without_caller, way.keeps_answer)
        elif way.target != "back":
            yield Edge(name, name, way.key, way.without_caller, way.keeps_answer)


def loops(nodes: Sequence[str], edges: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Groups of nodes that lead back to themselves, in the order of `nodes` (Kosaraju's two passes)."""
    backwards: dict[str, list[str]] = {name: [] for name in nodes}
    for name in nodes:
        for other in edges.get(name, ()):
            if other in backwards:
                backwards[other].append(name)
    group_of: dict[str, list[str]] = {}
    for root in reversed(_finished_order(nodes, edges)):
        group: list[str] = []
        waiting = [root]
        while waiting:
            name = waiting.pop()
            if name not in group_of:
                group_of[name] = group
                group.append(name)
                waiting += backwards[name]
    order = {name: position for position, name in enumerate(nodes)}
    groups = {id(group): group for group in group_of.values()}.values()
    real = [sorted(group, key=order.__getitem__) for group in groups if _is_loop(group, edges)]
    return sorted(real, key=lambda group: order[group[0]])


def _finished_order(nodes: Sequence[str], edges: Mapping[str, Iterable[str]]) -> list[str]:
    """Nodes in the order in which a depth-first walk leaves them."""
    known, seen, finished = set(nodes), set[str](), list[str]()
    for root in nodes:
        work = [(root, iter(edges.get(root, ())))] if root not in seen else []
        seen.add(root)
        while work:
            name, rest = work[-1]
            following = next((other for other in rest if other in known and other not in seen), None)
            if following is None:
                finished.append(name)
                work.pop()
            else:
                seen.add(following)
                work.append((following, iter(edges.get(following, ()))))
    return finished


def _is_loop(group: Sequence[str], edges: Mapping[str, Iterable[str]]) -> bool:
    return len(group) > 1 or (len(group) == 1 and group[0] in edges.get(group[0], ()))
