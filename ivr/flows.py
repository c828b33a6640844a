"""Flow files on disk: a folder of flows, read. Application ring."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from ivr.errors import FlowError, Problem
from ivr.flow.loader import LoadedFlow, load_flow
from ivr.flow.model import Flow
from ivr.flow.program import Program, linked

LIBRARY = Path(__file__).parent / "flow" / "library"

TEST_SUFFIX = ".test.yaml"
"""Files with conversations that test a flow; never flows themselves."""


@dataclass(frozen=True, slots=True)
class FlowSet:
    """The flows of some files, and what is wrong with the files that are not among them."""

    flows: Mapping[str, LoadedFlow] = field(default_factory=dict)
    """By the name in the file (`flow:`)."""
    problems: tuple[Problem, ...] = ()


def programs_of(found: FlowSet) -> dict[str, Program]:
    """The flows that a call can begin in, each with every flow that it can run."""
    own = {name: loaded.flow for name, loaded in found.flows.items()}
    return {name: linked(flow, {**library(), **own}) for name, flow in own.items() if not flow.takes}


@cache
def library() -> Mapping[str, Flow]:
    """The flows that come with the program, for others to run; a flow of the operator's with the same name wins."""
    files = sorted(path for path in LIBRARY.iterdir() if path.suffix == ".yaml")
    loaded = [load_flow(path.read_bytes(), str(path)).flow for path in files]
    return {flow.flow: flow for flow in loaded}


def load_folder(folder: Path) -> FlowSet:
    """Every flow below a folder. A file that cannot be read is a problem; a missing folder too."""
    if not folder.is_dir():
        message = "there is no such folder; create it, or correct `flows:` in the settings"
        return FlowSet(problems=(Problem(str(folder), 1, 1, "", message, rule="no_such_file"),))
    return load_files(flow_files(folder))


def flow_files(folder: Path) -> list[Path]:
    """The flow files below a folder, in a fixed order."""
    files = {file for suffix in ("*.yaml", "*.yml") for file in folder.rglob(suffix)}
    return sorted(file for file in files if file.is_file() and not file.name.endswith(TEST_SUFFIX))


def load_files(files: Iterable[Path]) -> FlowSet:
    """The flows of some files. Of two with the same name the first counts, and the second is a problem."""
    flows: dict[str, LoadedFlow] = {}
    problems: list[Problem] = []
    for file in files:
        try:
            loaded = load_file(file)
        except FlowError as error:
            problems += error.problems
            continue
        first = flows.setdefault(loaded.flow.flow, loaded)
        if first is not loaded:
            name = loaded.flow.flow
            message = f"a flow named '{name}' is already in {first.file}; give this one another name"
            problems.append(loaded.source.problem(("flow",), message, "duplicate_flow", step="flow"))
    return FlowSet(flows, tuple(problems))


def load_file(file: Path) -> LoadedFlow:
    """One flow file. Raises FlowError with every problem."""
    try:
        content = file.read_bytes()
    except OSError as error:
        message = f"the file cannot be read ({error.strerror}); check its name and rights"
        raise FlowError([Problem(str(file), 1, 1, "", message, rule="no_such_file")]) from error
    return load_flow(content, str(file))
