"""What is in the folder of flows, what was published, and what follows from both. Reads files; changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from ivr.calls.routing import DRAFT_SUFFIX
from ivr.errors import FlowError, Problem, PublishingError
from ivr.flow.loader import LoadedFlow, content_version, load_flow
from ivr.flow.model import Flow
from ivr.flows import content_of, flow_files, served_name, unreadable
from ivr.publishing.plan import Check, FlowFile, Flows, Plan, make_plan
from ivr.publishing.versions import VersionStore

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Served:
    """A flow in service. Its content is kept rather than the places of every key, which take far more room."""

    flow: Flow
    content: bytes
    file: str


@dataclass(frozen=True, slots=True)
class Survey:
    """The flows as they are now."""

    plan: Plan
    contents: Mapping[str, bytes]
    """By name: what the planned flows were read from."""
    serving: Flows
    """What was in service before, read anew."""
    waiting: Mapping[str, LoadedFlow] = field(default_factory=dict)
    """Newer files that nobody published yet."""
    waiting_problems: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)

    def served(self) -> dict[str, Served]:
        """What the plan puts into service."""
        return {name: Served(each.flow, self.contents[name], each.file) for name, each in self.plan.flows.items()}


def survey(
    folder: Path, store: VersionStore, *, is_manual: bool, serving: Mapping[str, Served], check: Check
) -> Survey:
    """What shall be in service; `serving` is what is. With `is_manual`, files count only once they were published."""
    files, problems = read_folder(folder)
    drafts = [file for file in files if file.name.endswith(DRAFT_SUFFIX)]
    is_first = not serving and not store.names()
    source = files if not is_manual or is_first else [*_published(store, serving), *drafts]
    present = _read_again(serving, source)
    plan = make_plan(present, source, check)
    plan = Plan(plan.flows, (*problems, *plan.problems), plan.held)
    contents = {name: each.content for name, each in serving.items()}
    contents |= {file.name: file.content for file in source if plan.flows.get(file.name) is file.loaded}
    if source is files:
        return Survey(plan, contents, present)
    waiting = _waiting(plan.flows, files)
    verdicts = check({**plan.flows, **waiting}) if waiting else {}
    unreadable = [problem for file in files for problem in file.problems]
    found = {name: tuple(verdicts[name]) for name in waiting}
    plan = Plan(plan.flows, (*plan.problems, *unreadable), plan.held)
    return Survey(plan, contents, present, waiting, found)


def read_folder(folder: Path) -> tuple[list[FlowFile], tuple[Problem, ...]]:
    """Every flow file, and what is wrong with the folder itself."""
    if not folder.is_dir():
        message = "there is no such folder; create it, or correct `flows:` in the settings"
        return [], (Problem(str(folder), 1, 1, "", message, rule="no_such_file"),)
    return [read_file(file) for file in flow_files(folder)], ()


def read_file(file: Path) -> FlowFile:
    """One file; why it is no flow is in its problems."""
    try:
        content = content_of(file)
    except OSError as error:
        return FlowFile(str(file), "", None, (unreadable(file, error),))
    return _flow_file(content, str(file))


def _flow_file(content: bytes, file: str) -> FlowFile:
    try:
        loaded = load_flow(content, file)
    except FlowError as error:
        return FlowFile(file, "", None, error.problems, content)
    return FlowFile(file, served_name(file, loaded.flow.flow), loaded, (), content)


def last_served(store: VersionStore) -> dict[str, Served]:
    """What was in service when the last worker ended; without what cannot be read any more."""
    found = {}
    for file in _published(store, {}):
        if file.loaded is not None:
            found[file.name] = Served(file.loaded.flow, file.content, file.file)
    return found


def _published(store: VersionStore, serving: Mapping[str, Served]) -> list[FlowFile]:
    """What was published, as files; where the versions cannot be read, what is in service."""
    try:
        published = store.published()
    except PublishingError as error:
        log.warning("versions_not_read", reason=str(error))
        return [_flow_file(each.content, each.file) for name, each in serving.items() if not _is_draft(name)]
    found = []
    for name, entry in published.items():
        try:
            found.append(_flow_file(store.content(name, entry.version), entry.file))
        except PublishingError as error:
            log.warning("version_not_read", flow=name, version=entry.version, reason=str(error))
    return found


def _read_again(serving: Mapping[str, Served], files: Sequence[FlowFile]) -> dict[str, LoadedFlow]:
    """The flows in service with the places of their keys; a file that still holds the version is not read twice."""
    fresh = {(file.name, file.file, content_version(file.content)): file.loaded for file in files if file.loaded}
    return {
        name: fresh.get((name, each.file, each.flow.version)) or load_flow(each.content, each.file)
        for name, each in serving.items()
    }


def _waiting(flows: Flows, files: Sequence[FlowFile]) -> dict[str, LoadedFlow]:
    return {
        file.name: file.loaded
        for file in files
        if file.loaded
        and not _is_draft(file.name)
        and (file.name not in flows or flows[file.name].flow.version != file.loaded.flow.version)
    }


def _is_draft(name: str) -> bool:
    return name.endswith(DRAFT_SUFFIX)
