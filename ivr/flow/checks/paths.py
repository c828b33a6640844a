"""Rules about the ways through a flow: unknown targets, dead ends, steps that nobody reaches, loops."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator

from ivr.errors import Problem
from ivr.flow.checks.graph import QUEUE_FAILURES, TRANSFER_FAILURES, Edge, loops
from ivr.flow.checks.subject import Subject
from ivr.flow.model import BUILT_IN_TARGETS, WhenStep
from ivr.flow.steps.registry import KINDS, kind_of
from ivr.flow.template_check import check_expression, variables_of_expression
from ivr.model_errors import did_you_mean


def unknown_target(subject: Subject) -> Iterator[Problem]:
    """A `next`, `go`, `failed` … that names no step."""
    steps = subject.flow.steps
    for written, target in subject.references:
        path = subject.path_of((), *written)
        built_in = () if path == ("start",) else BUILT_IN_TARGETS
        if target not in steps and target not in built_in:
            known = [*steps, *built_in]
            yield subject.error(path, f"there is no step '{target}'; {did_you_mean(target, known)}", "unknown_target")


def reserved_name(subject: Subject) -> Iterator[Problem]:
    """A step named like a built-in target."""
    for name in BUILT_IN_TARGETS:
        if name in subject.flow.steps:
            message = f"'{name}' is a target that every flow has; give the step another name"
            yield subject.error(("steps", name), message, "reserved_name", at_key=True)


def unreachable_step(subject: Subject) -> Iterator[Problem]:
    """A step that no call can come to."""
    for name in subject.flow.steps:
        if name not in subject.reachable and name not in subject.loaded.pieces:
            message = "no call can come here; lead some `next`, `go` or exit here, or remove the step"
            yield subject.error(("steps", name), message, "unreachable_step", at_key=True)


def no_path_to_an_end(subject: Subject) -> Iterator[Problem]:
    """Steps from which a call can never end or be handed over."""
    steps = subject.flow.steps
    leads_here: dict[str, list[str]] = {}
    for name, edges in subject.edges.items():
        for edge in edges:
            leads_here.setdefault(edge.target, []).append(name)
    good = {name for name, step in steps.items() if kind_of(step).ends_call}
    good |= {source for target, sources in leads_here.items() if target not in steps for source in sources}
    waiting = list(good)
    while waiting:
        new = [name for name in leads_here.get(waiting.pop(), ()) if name not in good]
        good.update(new)
        waiting += new
    trapped = [name for name in steps if name not in good and name in subject.reachable]
    if trapped:
        others = f" (nor from {', '.join(trapped[1:6])}{', …' if len(trapped) > 6 else ''})" if trapped[1:] else ""
        message = f"no way leads from here to an end{others}; lead one of its exits to hang_up or to a transfer"
        yield subject.error(("steps", trapped[0]), message, "no_path_to_an_end", at_key=True)


def loop_without_caller(subject: Subject) -> Iterator[Problem]:
    """Steps that go round although the caller does nothing. A loop that a `when` ends by a count is fine."""
    for loop in _unbounded(subject, list(subject.flow.steps)):
        cycle = _one_way_round(subject, loop)
        way = " → ".join([*(edge.source for edge in cycle), cycle[0].source])
        gives_up = next((edge for edge in cycle if edge.exit == "failed"), None)
        transfers = next((edge for edge in cycle if edge.exit in TRANSFER_FAILURES), None)
        queues = next((edge for edge in cycle if edge.exit in QUEUE_FAILURES), None)
        if gives_up:
            remedy = f"a caller who stays silent never gets out; lead `failed` of {gives_up.source} somewhere else"
        elif transfers:
            remedy = f"it dials again for ever; lead `{transfers.exit}` of {transfers.source} somewhere else"
        elif queues:
            remedy = f"the caller waits again for ever; lead `{queues.exit}` of {queues.source} somewhere else"
        else:
            remedy = "ask the caller something in between, or count with `set` and leave with `when`"
        yield subject.error(
            ("steps", loop[0]),
            f"this goes round without the caller ({way}); {remedy}",
            "loop_without_caller",
            at_key=True,
        )


def _without_caller(subject: Subject, name: str, among: Collection[str]) -> list[Edge]:
    return [edge for edge in subject.edges[name] if edge.without_caller and edge.target in among]


def _unbounded(subject: Subject, names: list[str]) -> Iterator[list[str]]:
    among = set(names)
    for loop in loops(names, {name: [e.target for e in _without_caller(subject, name, among)] for name in names}):
        counters = _counters(subject, set(loop))
        if counters:
            yield from _unbounded(subject, [name for name in loop if name not in counters])
        else:
            yield loop


def _counters(subject: Subject, loop: set[str]) -> set[str]:
    """The `when` steps of a loop that can leave it by a variable which the loop changes."""
    changed: set[str] = set()
    for name in loop:
        if any(edge.keeps_answer for edge in _without_caller(subject, name, loop)):
            changed |= kind_of(subject.flow.steps[name]).variables(subject.flow.steps[name])
    found = set()
    for name in loop:
        step = subject.flow.steps[name]
        if isinstance(step, WhenStep) and any(edge.target not in loop for edge in subject.edges[name]):
            conditions = [b.condition for b in step.when if b.condition and check_expression(b.condition) is None]
            if any(variables_of_expression(condition) & {*changed, "step"} for condition in conditions):
                found.add(name)
    return found


def _one_way_round(subject: Subject, loop: list[str]) -> list[Edge]:
    """The shortest way from the first step of a loop back to it."""
    first, among = loop[0], set(loop)
    ways: deque[list[Edge]] = deque([edge] for edge in _without_caller(subject, first, among))
    seen: set[str] = set()
    while ways:
        way = ways.popleft()
        if way[-1].target == first:
            return way
        if way[-1].target not in seen:
            seen.add(way[-1].target)
            ways.extend([*way, edge] for edge in _without_caller(subject, way[-1].target, among))
    raise AssertionError(f"{first} is in no loop")


def needs_the_caller(subject: Subject) -> Iterator[Problem]:
    """A step behind `on_hang_up` that has nobody to talk to."""
    after = subject.flow.on_hang_up
    for name in subject.reachable_from([after.go] if after else []):
        step = subject.flow.steps[name]
        if kind_of(step).needs_caller:
            fitting = ", ".join(kind.model.action for kind in KINDS if not kind.needs_caller)
            message = f"`on_hang_up` leads here, and the caller has left by then; it can only hold {fitting}"
            yield subject.error(("steps", name, step.action), message, "needs_the_caller", at_key=True)


def when_without_branches(subject: Subject) -> Iterator[Problem]:
    """A `when` that is empty, whose branches have no or two conditions, or that goes on after `else`."""
    for name, step in subject.flow.steps.items():
        if not isinstance(step, WhenStep):
            continue
        path = ("steps", name, "when")
        if not step.when:
            yield subject.error(path, "there is no branch; write `- {if: …, go: …}`", "when_branch", at_key=True)
        for index, branch in enumerate(step.when):
            where = (*path, index)
            if (branch.condition is None) == (branch.otherwise is None):
                message = "a branch has either `if: condition` or `else: true`; correct it"
                yield subject.error(where, message, "when_branch")
            elif branch.otherwise and index + 1 < len(step.when):
                yield subject.error(where, "`else` takes every call; write it as the last branch", "when_branch")


def nothing_follows(subject: Subject) -> Iterator[Problem]:
    """A step after which the call ends without the flow saying so."""
    for name, step in subject.flow.steps.items():
        if step.next is None and kind_of(step).needs_next(step):
            what, target = ("flow", "return") if subject.is_part else ("call", "hang_up")
            message = f"nothing says what follows, so the {what} ends here; write `next: {target}` if that is meant"
            yield subject.warning(("steps", name), message, "nothing_follows", at_key=True)
