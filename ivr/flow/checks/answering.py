"""Rules about what comes before the answer of a call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ivr.errors import Problem
from ivr.flow.checks.graph import Edge, edges_of_step
from ivr.flow.checks.subject import Subject
from ivr.flow.model import Flow, HangUpStep
from ivr.flow.steps.answer import AnswerStep
from ivr.flow.steps.kind import RETURN
from ivr.flow.steps.models import ReturnStep, RunStep
from ivr.flow.steps.queue_model import QueueStep
from ivr.flow.steps.record import RecordStep
from ivr.flow.steps.registry import kind_of
from ivr.flow.steps.transfer_model import TransferStep

_SILENT = ("set", "when", "tag", "hours", "language", "run")
"""Steps that leave a call unanswered even where the flow answers at once."""


def needs_the_answer(subject: Subject) -> Iterator[Problem]:
    """A step that wants something of a caller who cannot give it yet. A transfer, or a queue, answers by itself."""
    if subject.flow.answer != "later":
        return
    told: set[str] = set()
    for name in _unanswered(subject.flow, _flows(subject)):
        step = subject.flow.steps[name]
        owner = name.partition(".")[0]
        if owner in told:
            continue
        if _asks(step):
            told.add(owner)
            what = "recorded" if isinstance(step, RecordStep) else "asked"
            message = (
                f"the call is not answered yet, and nobody can be {what} before; "
                "lead calls through a step with `answer: true` first"
            )
            yield subject.error(("steps", name, step.action), message, "needs_the_answer", at_key=True)
        elif isinstance(step, RunStep) and (asking := _asks_within(step.run, _flows(subject), frozenset())):
            message = (
                f"the call is not answered yet, and the flow {step.run} asks the caller something ({asking}); "
                "lead calls through a step with `answer: true` first"
            )
            yield subject.error(("steps", name, "run"), message, "needs_the_answer", at_key=True)


def answer_without_later(subject: Subject) -> Iterator[Problem]:
    """An `answer` that does nothing, because the call is answered by then whatever it does."""
    if subject.flow.answer == "later" or subject.is_part:
        return
    for name, step in subject.flow.steps.items():
        if isinstance(step, AnswerStep):
            message = "this flow answers at once; write `answer: later` beside `flow:`, or remove this step"
            yield subject.warning(("steps", name, "answer"), message, "answer_without_later", at_key=True)


def answer_of_a_part(subject: Subject) -> Iterator[Problem]:
    """`answer: later` in a flow that no number leads to."""
    if subject.flow.answer == "later" and subject.flow.takes:
        message = "the flow that runs this one says when the call is answered; remove `answer: later`"
        yield subject.warning(("answer",), message, "answer_of_a_part", at_key=True)


def status_after_answer(subject: Subject) -> Iterator[Problem]:
    """A SIP status for a call that is answered by then."""
    if subject.is_part:
        return
    unanswered = _unanswered(subject.flow, _flows(subject))
    for name, step in subject.flow.steps.items():
        is_late = isinstance(step, HangUpStep) and step.hang_up.status is not None and name not in unanswered
        if is_late and name in subject.reachable:
            remedy = "remove the status" if subject.flow.answer == "later" else "write `answer: later` beside `flow:`"
            message = f"every call that comes here is answered, and the status is never sent; {remedy}"
            yield subject.warning(("steps", name, "hang_up", "status"), message, "status_after_answer", at_key=True)


# --- where a call can be that is not answered


def _flows(subject: Subject) -> Mapping[str, Flow]:
    return subject.context.flows or {}


def _asks(step: object) -> bool:
    return kind_of(step).needs_answer and not isinstance(step, TransferStep | QueueStep)  # type: ignore[arg-type]


def _unanswered(flow: Flow, flows: Mapping[str, Flow], above: frozenset[str] = frozenset()) -> list[str]:
    """Steps that a call can come to before it is answered, in the order in which they are found."""
    is_later = flow.answer == "later" or bool(above)
    found: dict[str, None] = {}
    waiting = [flow.start]
    while waiting:
        name = waiting.pop(0)
        if name in flow.steps and name not in found:
            found[name] = None
            if is_later or flow.steps[name].action in _SILENT:
                ways = edges_of_step(flow, name)
                waiting += [edge.target for edge in ways if _stays_unanswered(flow, edge, flows, above)]
    return list(found)


def _stays_unanswered(flow: Flow, edge: Edge, flows: Mapping[str, Flow], above: frozenset[str]) -> bool:
    step = flow.steps[edge.source]
    if isinstance(step, AnswerStep) or kind_of(step).needs_answer:
        return False
    part = flows.get(step.run) if isinstance(step, RunStep) else None
    if part is None or edge.exit == "on_error" or part.flow in above:
        return True
    taken = _outcomes_unanswered(part, flows, above | {flow.flow, part.flow})
    known = step.outcomes if isinstance(step, RunStep) else {}
    return any(edge.exit == (outcome if outcome in known else "next") for outcome in taken)


def _outcomes_unanswered(part: Flow, flows: Mapping[str, Flow], above: frozenset[str]) -> set[str]:
    """How a flow that is run can end without having answered; the empty outcome is its mere end."""
    ends: set[str] = set()
    for name in _unanswered(part, flows, above):
        step = part.steps[name]
        if isinstance(step, ReturnStep):
            ends.add(step.give_back.outcome or "")
        elif any(
            edge.target == RETURN and _stays_unanswered(part, edge, flows, above) for edge in edges_of_step(part, name)
        ):
            ends.add("")
    return ends


def _asks_within(name: str, flows: Mapping[str, Flow], above: frozenset[str]) -> str:
    """The first step of a flow that is run, or of one that it runs, in which an unanswered caller is asked."""
    part = flows.get(name)
    if part is None or name in above:
        return ""
    for step_name in _unanswered(part, flows, above | {name}):
        step = part.steps[step_name]
        if _asks(step):
            return step_name
        if isinstance(step, RunStep) and (found := _asks_within(step.run, flows, above | {name})):
            return found
    return ""
