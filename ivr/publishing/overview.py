"""The flows of a bot at a glance: what is in service, since when, by whom, and what is wrong with newer files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ivr.calls.routing import DRAFT_SUFFIX
from ivr.errors import Problem, Severity
from ivr.publishing.desk import Desk
from ivr.publishing.files import user_name
from ivr.publishing.report import problems_of, state_of
from ivr.publishing.versions import SET_ASIDE, Publication
from ivr.publishing.worker_state import FlowState, WorkerState, living_workers


@dataclass(frozen=True, slots=True)
class Row:
    """One flow."""

    name: str
    version: str
    """In service; empty where nothing is."""
    since: datetime | None
    who: str
    file: str
    newer: str
    """Version of a file that waits to be published."""
    problems: tuple[Problem, ...]
    """Why the newer file is not in service."""
    elsewhere: Mapping[str, str]
    """Worker to the version that it has, where workers differ."""

    @property
    def error_count(self) -> int:
        """Errors of the newer file."""
        return sum(problem.severity is Severity.ERROR for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Overview:
    """All flows, and who serves them."""

    rows: tuple[Row, ...]
    workers: tuple[WorkerState, ...]
    """Running now; empty when the bot does not run."""
    problems: tuple[Problem, ...]


def overview(desk: Desk) -> Overview:
    """As the running workers say; what a worker would serve where none runs. Raises PublishingError."""
    workers = living_workers(desk.store.folder)
    states = workers or [_state_without_worker(desk)]
    names = sorted({name for state in states for name in state.flows})
    problems = dict.fromkeys(problem for state in states for problem in state.problems)
    return Overview(tuple(_row(desk, name, states) for name in names), tuple(workers), tuple(sorted(problems)))


def _state_without_worker(desk: Desk) -> WorkerState:
    found = desk.survey
    return state_of("", "manual" if desk.is_manual else "auto", found.served(), found, problems_of(found))


def _row(desk: Desk, name: str, states: Sequence[WorkerState]) -> Row:
    found = {state.worker: state.flows.get(name, FlowState("", "")) for state in states}
    first = next(flow for flow in found.values() if flow.file)
    differ = len({flow.version for flow in found.values()}) > 1
    entry = _entry(desk, name, first)
    return Row(
        name,
        first.version,
        entry.at if entry else None,
        entry.who if entry else "",
        first.file,
        first.newer,
        first.problems,
        {worker: flow.version for worker, flow in found.items()} if differ else {},
    )


def _entry(desk: Desk, name: str, state: FlowState) -> Publication | None:
    """When and by whom this version came into service; for a draft, when it was written."""
    if name.endswith(DRAFT_SUFFIX):
        try:
            status = Path(state.file).stat()
        except OSError:
            return None
        at = datetime.fromtimestamp(status.st_mtime, UTC)
        return Publication(state.version, at, user_name(status.st_uid), "draft", state.file)
    history = desk.store.history(name)
    return next((each for each in history if each.version == state.version and each.how != SET_ASIDE), None)
