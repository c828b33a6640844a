"""A flow together with every flow that it can run, all in the versions of one moment.

A call is given its program when it begins and keeps it: what is published meanwhile serves new calls only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from ivr.flow.model import Flow
from ivr.flow.steps.models import RunStep
from ivr.immutable import immutable


@immutable
class Program:
    """What a call is led through."""

    main: Flow
    """The flow that the call begins in."""
    parts: Mapping[str, Flow] = field(default_factory=dict)
    """The flows that it can run, by name."""

    @staticmethod
    def of(flow: Flow | Program) -> Program:
        """A flow that runs no other is a program by itself."""
        return flow if isinstance(flow, Program) else Program(flow)

    def flow_named(self, name: str) -> Flow:
        """A part; the main flow for an empty name. Raises KeyError."""
        return self.parts[name] if name else self.main

    @property
    def flows(self) -> tuple[Flow, ...]:
        """The main flow, then its parts."""
        return (self.main, *self.parts.values())

    @property
    def speaks_values(self) -> bool:
        """Whether any prompt has to be made in the call."""
        return any(flow.speaks_values for flow in self.flows)


def linked(flow: Flow, known: Mapping[str, Flow]) -> Program:
    """The flow with everything that it can run out of `known`; a name that is not there is left out."""
    parts: dict[str, Flow] = {}
    waiting = list(flows_run_by(flow))
    while waiting:
        name = waiting.pop()
        if name in known and name not in parts:
            parts[name] = known[name]
            waiting += flows_run_by(known[name])
    return Program(flow, parts)


def flows_run_by(flow: Flow) -> Iterator[str]:
    """Names of the flows that a flow runs itself."""
    return (step.run for step in flow.steps.values() if isinstance(step, RunStep))


def chain_to(flow: Flow, name: str, known: Mapping[str, Flow]) -> tuple[str, ...]:
    """The way by which running `name` comes back to `flow`, as names; empty where it never does."""
    ways: list[tuple[str, ...]] = [(name,)]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        if way[-1] == flow.flow:
            return way
        if way[-1] not in seen and way[-1] in known:
            seen.add(way[-1])
            ways += [(*way, other) for other in flows_run_by(known[way[-1]])]
    return ()
