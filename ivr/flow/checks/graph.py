"""The ways through a flow, as edges between steps. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ivr.flow.model import (
    AskStep,
    Flow,
    HangUpStep,
    InputStep,
    MenuStep,
    SetStep,
    Step,
    TransferStep,
    WhenStep,
)
from ivr.yaml_source import DataPath

END = "hang_up"
"""Target that ends the call."""

TRANSFER_FAILURES = ("busy", "no_answer", "refused", "unknown", "unreachable")


@dataclass(frozen=True, slots=True)
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
    return {name: tuple(_edges(flow, name, step)) for name, step in flow.steps.items()}


def _edges(flow: Flow, name: str, step: Step) -> Iterator[Edge]:
    for exit_key, target, without_caller, keeps_answer in _exits(flow, step):
        if target in flow.steps or target not in ("back", "repeat"):
            yield Edge(name, target, exit_key, without_caller, keeps_answer)
        elif target == "repeat":
            yield Edge(name, name, exit_key, without_caller, keeps_answer)


def _exits(flow: Flow, step: Step) -> Iterator[tuple[str, str, bool, bool]]:
    match step:
        case InputStep():
            yield from ((key, target, False, True) for key, target in _answers(step))
            failed = step.failed or flow.defaults.failed or END
            yield "failed", failed, True, False
            if isinstance(step, AskStep) and step.choices_from:
                yield "empty", step.empty or failed, True, False
            names = flow.commands if step.commands is None else step.commands
            yield from ((key, flow.commands[key].go, False, False) for key in names if key in flow.commands)
        case WhenStep():
            yield from (("when", branch.go, True, False) for branch in step.when)
            if all(branch.condition is not None for branch in step.when):
                yield "next", step.next or END, True, False
        case TransferStep():
            rest = step.failed or END  # to leave it out is an error of its own
            yield from ((key, getattr(step, key) or rest, True, False) for key in TRANSFER_FAILURES)
            yield "failed", rest, True, False
        case HangUpStep():
            return
        case _:
            yield "next", step.next or END, True, isinstance(step, SetStep)


def _answers(step: InputStep) -> Iterator[tuple[str, str]]:
    if isinstance(step, MenuStep):
        yield from ((name, choice.go or step.next or END) for name, choice in step.menu.choices.items())
    elif isinstance(step, AskStep) and step.ask == "yes_no":
        yield "confirmed", step.confirmed or step.next or END
        yield "denied", step.denied or step.next or END
    else:
        yield "next", step.next or END


def references_of(flow: Flow) -> Iterator[tuple[DataPath, str]]:
    """Every target that is written somewhere in the flow, with its place."""
    yield ("start",), flow.start
    if flow.on_error:
        yield ("on_error",), flow.on_error
    if flow.defaults.failed:
        yield ("defaults", "failed"), flow.defaults.failed
    for name, command in flow.commands.items():
        yield ("commands", name, "go"), command.go
    for name, step in flow.steps.items():
        path: DataPath = ("steps", name)
        for key in ("next", "failed", "confirmed", "denied", "empty", *TRANSFER_FAILURES):
            target = getattr(step, key, None)
            if isinstance(target, str):
                yield (*path, key), target
        if isinstance(step, MenuStep):
            for key, choice in step.menu.choices.items():
                if choice.go:
                    yield (*path, "menu", "choices", key, "go"), choice.go
        if isinstance(step, WhenStep):
            for index, branch in enumerate(step.when):
                yield (*path, "when", index, "go"), branch.go


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
