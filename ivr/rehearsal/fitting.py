"""Whether the conversations of a file fit the flow that they are to test: names of steps, variables, outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ivr.errors import Problem
from ivr.flow.events import TransferOutcome
from ivr.flow.model import Flow, Step
from ivr.flow.program import Program
from ivr.flow.prompts import languages_of
from ivr.flow.steps import hours
from ivr.flow.steps.registry import kind_of
from ivr.flow.steps.transfer_model import TransferStep
from ivr.model_errors import did_you_mean
from ivr.rehearsal.acts import ExpectLanguage, ExpectVariables, Reach
from ivr.rehearsal.model import Conversation, Mock
from ivr.rehearsal.reading import LoadedConversations, PlacedConversation
from ivr.rehearsal.world import QUEUE_OUTCOMES, RECORD_OUTCOMES, REQUEST_OUTCOMES, SEND_OUTCOMES, VIDEO_OUTCOMES
from ivr.yaml_source import DataPath

OUTCOMES: dict[str, tuple[str, ...]] = {
    "transfer": tuple(map(str, TransferOutcome)),
    "queue": QUEUE_OUTCOMES,
    "request": REQUEST_OUTCOMES,
    "hours": hours.EXITS,
    "send": SEND_OUTCOMES,
    "record": tuple(RECORD_OUTCOMES),
    "video": VIDEO_OUTCOMES,
}
"""Kinds of steps that get something from outside, and what that can be."""

_OF_QUEUES = ("agent", "position", "wait", "talk")


def misfits(loaded: LoadedConversations, program: Program) -> list[Problem]:
    """Every name in the conversations that the flow, or one that it runs, does not have."""
    return [problem for each in loaded.conversations for problem in _Fitting(each, program).problems()]


def steps_of(program: Program) -> dict[str, Step]:
    """The steps of a flow and of those that it can run, by name; its own come first."""
    return {name: step for flow in reversed(program.flows) for name, step in flow.steps.items()}


def variables_of(flow: Flow) -> frozenset[str]:
    """Every variable that the flow can ever have: its own, those it is given, and those that its steps fill."""
    filled = (name for each in flow.steps.values() for name in kind_of(each).variables(each))
    return frozenset({*flow.variables, *flow.takes, *filled})


class _Fitting:
    """One conversation beside its flow."""

    def __init__(self, placed: PlacedConversation, program: Program) -> None:
        self._placed, self._flow = placed, program.main
        self._steps = steps_of(program)
        flow = program.main
        self._variables = variables_of(flow)

    def problems(self) -> Iterator[Problem]:
        test = self._placed.conversation
        yield from self._given(test)
        yield from self._mocks(test)
        yield from self._acts(test)
        yield from self._expected(test)

    def _given(self, test: Conversation) -> Iterator[Problem]:
        for name in test.given.variables:
            yield from self._variable(name, ("given", "variables", name), "set it")
        if test.given.language:
            yield from self._language(test.given.language, ("given", "language"))

    def _mocks(self, test: Conversation) -> Iterator[Problem]:
        for name, mocks in test.mock.items():
            path: DataPath = ("mock", name)
            step = self._steps.get(name.rpartition("/")[2])
            if step is None:
                yield from self._step(name, path, at_key=True)
            elif step.action not in OUTCOMES:
                message = f"step '{name}' ({step.action}) asks nobody outside; take its mock away"
                yield self._problem(path, message, "mock", at_key=True)
            else:
                yield from self._outcomes(path, step.action, mocks)
                yield from self._takers(path, step, mocks)
                yield from self._agents(path, step, mocks)

    def _outcomes(self, path: DataPath, action: str, mocks: Iterable[Mock]) -> Iterator[Problem]:
        known = OUTCOMES[action]
        for mock in mocks:
            if mock.outcome is not None and mock.outcome not in known:
                message = f"a {action} does not end with '{mock.outcome}'; {did_you_mean(mock.outcome, known)}"
                yield self._problem(path, message, "mock")
            elif mock.outcome is None and action not in ("request", "queue"):
                message = f"nothing says how this {action} ends; use one of: {', '.join(known)}"
                yield self._problem(path, message, "mock")

    def _takers(self, path: DataPath, step: Step, mocks: Iterable[Mock]) -> Iterator[Problem]:
        known = [callee.target for callee in step.transfer.to] if isinstance(step, TransferStep) else []
        for mock in mocks:
            if mock.target is not None and mock.target not in known:
                hint = did_you_mean(mock.target, known) or "take it away"
                yield self._problem(path, f"this step does not call '{mock.target}'; {hint}", "mock")

    def _agents(self, path: DataPath, step: Step, mocks: Iterable[Mock]) -> Iterator[Problem]:
        if step.action == "queue":
            return
        for mock in mocks:
            for key in _OF_QUEUES:
                if getattr(mock, key) is not None:
                    yield self._problem(path, f"nobody waits in a {step.action}; take `{key}` away", "mock")

    def _acts(self, test: Conversation) -> Iterator[Problem]:
        for index, act in enumerate(test.call):
            path: DataPath = ("call", index)
            if isinstance(act, Reach):
                yield from self._step(act.step, path)
            elif isinstance(act, ExpectLanguage):
                yield from self._language(act.language, path)
            elif isinstance(act, ExpectVariables):
                for name in act.variables:
                    yield from self._variable(name, path, "expect it")

    def _expected(self, test: Conversation) -> Iterator[Problem]:
        expect = test.expect
        for key, names in (("step", (expect.step,)), ("reach", expect.reach), ("do_not_reach", expect.do_not_reach)):
            for name in names:
                if name is not None:
                    yield from self._step(name, ("expect", key))
        if expect.language:
            yield from self._language(expect.language, ("expect", "language"))
        known = [name for name in type(expect).model_fields if name != "variables"]
        for name in expect.model_extra or {}:
            if name not in self._variables:
                hint = did_you_mean(name, [*known, *sorted(self._variables)], limit=40)
                message = f"'{name}' is neither a variable of the flow nor something to expect; {hint}"
                yield self._problem(("expect", name), message, "unknown_variable", at_key=True)
        for name in expect.variables:
            yield from self._variable(name, ("expect", "variables", name), "expect it")

    def _step(self, name: str, path: DataPath, *, at_key: bool = False) -> Iterator[Problem]:
        known = self._steps if "/" in name or path[0] == "mock" else self._flow.steps
        if name.rpartition("/")[2] not in known:
            message = f"the flow has no step '{name}'; {did_you_mean(name, list(known), limit=20)}"
            yield self._problem(path, message, "unknown_step", at_key=at_key)

    def _variable(self, name: str, path: DataPath, what: str) -> Iterator[Problem]:
        if name not in self._variables:
            hint = did_you_mean(name, sorted(self._variables), limit=20) or f"the flow has none, so nothing can {what}"
            yield self._problem(path, f"the flow has no variable '{name}'; {hint}", "unknown_variable", at_key=True)

    def _language(self, tag: str, path: DataPath) -> Iterator[Problem]:
        known = languages_of(self._flow)
        if tag not in known:
            yield self._problem(
                path, f"a call of this flow is never in {tag}; use one of: {', '.join(known)}", "language"
            )

    def _problem(self, path: DataPath, message: str, rule: str, *, at_key: bool = False) -> Problem:
        whole: DataPath = (*self._placed.path, *path)
        is_common = path[0] in ("given", "mock") and whole not in self._placed.source.positions.values
        whole = path if is_common else whole
        return self._placed.source.problem(whole, message, rule, at_key=at_key, step=self._placed.conversation.name)
