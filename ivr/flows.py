"""Flow files on disk: a folder of flows, read. Application ring."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from functools import cache
from pathlib import Path, PurePath

from ivr.calls.routing import DRAFT_SUFFIX
from ivr.errors import FlowError, Problem
from ivr.flow.loader import LoadedFlow, load_flow
from ivr.flow.model import Flow
from ivr.flow.program import Program, linked
from ivr.immutable import immutable
from ivr.yaml_source import MAX_SOURCE_BYTES

LIBRARY = Path(__file__).parent / "flow" / "library"

DRAFTS = "drafts"
"""Name of the folder of drafts: flows that can be called at a number of their own before they are published."""

TEST_SUFFIX = ".test.yaml"
"""Files with conversations that test a flow; never flows themselves."""


@immutable
class FlowSet:
    """The flows of some files, and what is wrong with the files that are not among them."""

    flows: Mapping[str, LoadedFlow] = field(default_factory=dict)
    """By the name under which it is served: the one in the file (`flow:`), for a draft with `+draft` behind it."""
    problems: tuple[Problem, ...] = ()


def programs_of(flows: Mapping[str, Flow]) -> dict[str, Program]:
    """Each flow with every flow that it can run; by the name of service."""
    return {name: linked(flow, runnable_by(name, flows)) for name, flow in flows.items()}


def runnable_by(name: str, flows: Mapping[str, Flow]) -> dict[str, Flow]:
    """The flows that the one served as `name` can run: packaged ones and those in service; drafts only themselves."""
    live = {other: flow for other, flow in flows.items() if not other.endswith(DRAFT_SUFFIX)}
    return {**library(), **live, name.removesuffix(DRAFT_SUFFIX): flows[name]}


@cache
def library() -> Mapping[str, Flow]:
    """The flows that come with the program, for others to run; a flow of the operator's with the same name wins."""
    loaded = [load_flow(path.read_bytes(), str(path)).flow for path in flow_files(LIBRARY)]
    return {flow.flow: flow for flow in loaded}


def load_folder(folder: Path) -> FlowSet:
    """Every flow below a folder. A file that cannot be read is a problem; a missing folder too."""
    if not folder.is_dir():
        message = "there is no such folder; create it, or correct `flows:` in the settings"
        return FlowSet(problems=(Problem(str(folder), 1, 1, "", message, rule="no_such_file"),))
    return load_files(flow_files(folder))


def flow_files(folder: Path) -> list[Path]:
    """The flow files below a folder, in a fixed order."""
    return sorted(Path(entry.path) for entry in files_below(str(folder)) if _is_flow_file(entry.name))


def files_below(folder: str, above: tuple[tuple[int, int], ...] = ()) -> Iterator[os.DirEntry[str]]:
    """Every file below a folder, links followed, each loop of them once; what cannot be read is not there.

    Hidden names are left out: what editors leave while they save, `.git`, and the folders that Kubernetes keeps behind
    the links of a ConfigMap.
    """
    try:
        here = os.stat(folder)
        entries = [entry for entry in os.scandir(folder) if not entry.name.startswith(".")]
    except OSError:
        return
    chain = (*above, (here.st_dev, here.st_ino))
    if chain[-1] in above:
        return
    for entry in entries:
        try:
            is_folder, is_file = entry.is_dir(), entry.is_file()
        except OSError:  # a link that leads to itself
            continue
        if is_folder:
            yield from files_below(entry.path, chain)
        elif is_file:
            yield entry


def _is_flow_file(name: str) -> bool:
    return name.endswith((".yaml", ".yml")) and not name.endswith(TEST_SUFFIX)


def served_name(file: str, flow: str) -> str:
    """The name under which the flow of a file is served."""
    return flow + DRAFT_SUFFIX if PurePath(file).parent.name == DRAFTS else flow


def load_files(files: Iterable[Path], load: Callable[[Path], LoadedFlow] | None = None) -> FlowSet:
    """The flows of some files. Of two with the same name the first counts, and the second is a problem.

    `load` reads one in another way than `load_file`, and raises FlowError as that does.
    """
    load = load or load_file
    flows: dict[str, LoadedFlow] = {}
    problems: list[Problem] = []
    for file in files:
        try:
            loaded = load(file)
        except FlowError as error:
            problems += error.problems
            continue
        first = flows.setdefault(served_name(loaded.file, loaded.flow.flow), loaded)
        if first is not loaded:
            name = loaded.flow.flow
            message = f"a flow named '{name}' is already in {first.file}; give this one another name"
            problems.append(loaded.source.problem(("flow",), message, "duplicate_flow", step="flow"))
    return FlowSet(flows, tuple(problems))


def load_file(file: Path) -> LoadedFlow:
    """One flow file. Raises FlowError with every problem."""
    try:
        content = content_of(file)
    except OSError as error:
        raise FlowError([unreadable(file, error)]) from error
    return load_flow(content, str(file))


def content_of(file: Path) -> bytes:
    """What is in a file; of one that is too large anyway no more than shows that. Raises OSError."""
    with file.open("rb") as opened:
        return opened.read(MAX_SOURCE_BYTES + 1)


def unreadable(file: Path, error: OSError) -> Problem:
    """The problem of a file that could not be read."""
    message = f"the file cannot be read ({error.strerror}); check its name and rights"
    return Problem(str(file), 1, 1, "", message, rule="no_such_file")
