"""What `ivr check` does. Knows nothing of the library of the command line, which takes a tenth of a second to load."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from ivr.check_context import Surroundings, sound_flows, surroundings_of
from ivr.errors import ConfigError, Problem, Severity
from ivr.flow.loader import LoadedFlow
from ivr.flow.program import flows_run_by
from ivr.flows import TEST_SUFFIX, FlowSet, flow_files, load_files
from ivr.settings import load_settings

_BOLD, _DIM, _RED, _GREEN, _YELLOW = 1, 2, 31, 32, 33
"""ECMA-48, select graphic rendition."""


def run(paths: Sequence[Path], config: Path | None = None, *, strict: bool = False, as_json: bool = False) -> int:
    """Check and tell; the exit status."""
    try:
        settings = load_settings(config)
        surroundings = surroundings_of(settings)
    except ConfigError as error:
        _tell(str(error))
        return 1
    try:
        found, problems = check_paths(paths, surroundings, Path(settings.flows))
        notes = surroundings.notes
    finally:
        surroundings.close()
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    failed = errors > 0 or (strict and bool(problems))
    if as_json:
        _tell(_as_json(found, problems, notes, not failed))
    else:
        _tell_lines(found, problems, notes, failed=failed)
    return 1 if failed else 0


def _tell_lines(found: FlowSet, problems: Sequence[Problem], notes: Iterable[str], *, failed: bool) -> None:
    for problem in sorted(problems, key=lambda problem: problem.severity is not Severity.ERROR):
        _tell(_line(problem))
    for note in notes:
        _tell(_styled(f"note: {note}", _DIM))
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    _tell(_styled(_summary(len(found.flows), errors, len(problems) - errors), _RED if failed else _GREEN))


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _styled(text: str, style: int) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if text and sys.stdout.isatty() else text


def check_paths(
    paths: Iterable[Path], surroundings: Surroundings, settings_folder: Path | None = None
) -> tuple[FlowSet, list[Problem]]:
    """The flows of files and folders, and every problem in them. Conversations that test flows are `ivr test`'s."""
    files: dict[Path, None] = {}
    problems: list[Problem] = []
    for path in paths:
        # `os.path` takes a path that cannot be looked at for one that is not there
        found = flow_files(path) if os.path.isdir(path) else [path] if os.path.isfile(path) else []
        files.update(dict.fromkeys(file for file in found if not file.name.endswith(TEST_SUFFIX)))
        if not found:
            problems.append(_nothing_there(path))
    flows = load_files(files)
    problems += flows.problems
    beside = _run_from_beside(flows.flows, files, settings_folder) if settings_folder else {}
    _, found_there = sound_flows({**beside, **flows.flows}, surroundings.context)
    files_asked = {loaded.file for loaded in flows.flows.values()}
    problems += [problem for problem in found_there if problem.file in files_asked]
    return flows, sorted(problems)


def _run_from_beside(flows: Mapping[str, LoadedFlow], files: Iterable[Path], folder: Path) -> dict[str, LoadedFlow]:
    """Flows of the settings that were not named, and are run by those that were, or by each other."""
    wanted = [name for each in flows.values() for name in flows_run_by(each.flow) if name not in flows]
    if not wanted:
        return {}
    known = {file.resolve() for file in files}
    beside = load_files(file for file in flow_files(folder) if file.resolve() not in known).flows
    found: dict[str, LoadedFlow] = {}
    while wanted:
        name = wanted.pop()
        if name in beside and name not in found:
            found[name] = beside[name]
            wanted += flows_run_by(found[name].flow)
    return found


def _nothing_there(path: Path) -> Problem:
    message = "there is no flow (*.yaml) in this folder" if os.path.isdir(path) else "there is no such file or folder"
    return Problem(str(path), 1, 1, "", f"{message}; correct the path", rule="no_such_file")


def _line(problem: Problem) -> str:
    step = f"{problem.step}: " if problem.step else ""
    place = _styled(f"{problem.file}:{problem.line}:{problem.column}:", _BOLD)
    is_error = problem.severity is Severity.ERROR
    kind = "" if is_error else _styled("warning: ", _YELLOW)
    return f"{place} {_styled(step, _RED if is_error else _YELLOW)}{kind}{problem.message}"


def _summary(flows: int, errors: int, warnings: int) -> str:
    return f"{_count(flows, 'flow')} read, {_count(errors, 'error')}, {_count(warnings, 'warning')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _as_json(found: FlowSet, problems: list[Problem], notes: Sequence[str], ok: bool) -> str:
    flows = [{"flow": name, "file": each.file, "version": each.flow.version} for name, each in found.flows.items()]
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    report = {
        "ok": ok,
        "errors": errors,
        "warnings": len(problems) - errors,
        "flows": flows,
        "problems": [asdict(problem) for problem in problems],
        "notes": list(notes),
    }
    return json.dumps(report, ensure_ascii=False, indent=2)
