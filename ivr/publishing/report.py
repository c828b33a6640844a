"""What a worker tells about its flows: lines of the log, and its state for `ivr flows`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

import structlog

from ivr.errors import Problem, Severity
from ivr.publishing.survey import Served, Survey
from ivr.publishing.worker_state import FlowState, WorkerState

log = structlog.get_logger(__name__)


def problems_of(found: Survey, sound_problem: str = "", sounds: str = "") -> tuple[Problem, ...]:
    """Everything that is wrong with files as they are now, warnings too, each once."""
    held = [problem for each in found.plan.held.values() for problem in each]
    waiting = [problem for each in found.waiting_problems.values() for problem in each]
    listed = [Problem(sounds, 1, 1, "", sound_problem, rule="sounds")] if sound_problem else []
    return tuple(dict.fromkeys((*found.plan.problems, *held, *waiting, *listed)))


def tell_changes(found: Survey) -> None:
    """What came into service, what left it, what waits."""
    new, gone = found.plan.changes_from(found.serving)
    for name, each in new.items():
        log.info("flow_in_service", flow=name, version=each.flow.version, file=each.file)
    for name in gone:
        log.info("flow_out_of_service", flow=name)
    for name, each in found.waiting.items():
        log.info("flow_waits", flow=name, version=each.flow.version, remedy=f"ivr flows publish {name}")


def tell_problems(found: Survey, problems: tuple[Problem, ...], told: frozenset[Problem]) -> frozenset[Problem]:
    """Each error that was not `told` before; what is told now."""
    errors = frozenset(problem for problem in problems if problem.severity is Severity.ERROR)
    for problem in sorted(errors - told):
        log.error("flow_problem", problem=str(problem))
    if errors - told:
        for name in found.plan.held:
            log.warning("old_version_stays" if name in found.plan.flows else "flow_stays_out", flow=name)
    if told and not errors:
        log.info("flow_problems_solved")
    return errors


def state_of(
    worker: str, publish: str, served: Mapping[str, Served], found: Survey, problems: tuple[Problem, ...]
) -> WorkerState:
    """The worker's state."""
    flows = {name: FlowState(each.flow.version, each.file) for name, each in served.items()}
    for name, held in found.plan.held.items():
        flows[name] = replace(flows.get(name, FlowState("", held[0].file)), problems=held)
    for name, newer in found.waiting.items():
        old = flows.get(name, FlowState("", newer.file))
        flows[name] = replace(old, newer=newer.flow.version, problems=found.waiting_problems.get(name, ()))
    return WorkerState(worker, os.getpid(), publish, flows, problems)
