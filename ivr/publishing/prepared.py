"""Flows as one process has put them into service, for other processes: read and checked once.

Processes that are forked later have them in memory. Those that run already get them as bytes, and read only the flows
that they do not have: to read and check all flows by itself cost each worker 4 to 9 MB.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ivr.errors import Problem
from ivr.flow.program import Program, linked
from ivr.flow.segments import Segment
from ivr.flows import runnable_by
from ivr.publishing.survey import Served
from ivr.publishing.watch import Signature
from ivr.publishing.worker_state import WorkerState


@dataclass(frozen=True, slots=True)
class PreparedFlows:
    """What a `Publisher` knows once it has taken the flows; good for as long as the files look the same."""

    seen: Signature
    """The files when they were read."""
    served: Mapping[str, Served]
    programs: Mapping[str, Program]
    ready: frozenset[Sequence[Segment]]
    """Prompts that are rendered."""
    not_rendered: Mapping[tuple[str, str], str]
    """Flow and version that stays out because its prompts could not be rendered, to the reason."""
    told: frozenset[Problem]
    """Errors that are in the log."""
    sound_problem: str
    state: WorkerState
    state_text: str
    """Of it, what all workers say alike."""


@dataclass(frozen=True, slots=True)
class HandedFlows:
    """The same for a process that may have most of the flows."""

    flows: Mapping[str, tuple[tuple[str, str], bytes]]
    """By name: version and file, and the flow in service, pickled."""
    rest: PreparedFlows
    """Without flows, programs, and which prompts are rendered."""


def handed(prepared: PreparedFlows) -> HandedFlows:
    """What can be pickled as a whole. Raises PicklingError and others where a flow keeps what cannot be."""
    flows = {name: (_identity(each), pickle.dumps(each)) for name, each in prepared.served.items()}
    return HandedFlows(flows, replace(prepared, served={}, programs={}, ready=frozenset()))


def received(given: HandedFlows, served: Mapping[str, Served], programs: Mapping[str, Program]) -> PreparedFlows:
    """What was handed over, to a process that has these flows in service: what is the same stays the same object."""
    now: dict[str, Served] = {
        name: served[name] if name in served and _identity(served[name]) == identity else pickle.loads(content)
        for name, (identity, content) in given.flows.items()
    }
    changed = {name for name in now.keys() | served.keys() if now.get(name) is not served.get(name)}
    flows = {name: each.flow for name, each in now.items()}
    return replace(
        given.rest,
        served=now,
        programs={
            name: programs[name]
            if name in programs and changed.isdisjoint((name, *programs[name].parts))
            else linked(flow, runnable_by(name, flows))
            for name, flow in flows.items()
        },
    )


def _identity(served: Served) -> tuple[str, str]:
    return served.flow.version, served.file
