"""From paths to a report: finds conversations and their flows, plays them, measures."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path

from ivr.errors import FlowError, Problem, Severity
from ivr.flow.check import CheckContext, check_flow
from ivr.flow.loader import LoadedFlow
from ivr.flow.model import Flow
from ivr.flow.program import Program, linked
from ivr.flows import TEST_SUFFIX, content_of, library, unreadable
from ivr.immutable import immutable
from ivr.model_errors import did_you_mean
from ivr.rehearsal.coverage import Coverage, coverage_of
from ivr.rehearsal.exits import exits_in
from ivr.rehearsal.fitting import misfits
from ivr.rehearsal.flow_files import FlowFiles
from ivr.rehearsal.player import play
from ivr.rehearsal.reading import LoadedConversations, PlacedConversation, load_conversations
from ivr.rehearsal.results import Report, Result
from ivr.rehearsal.trail import FlowTrail
from ivr.rehearsal.world import Calendars

_SUFFIXES = (TEST_SUFFIX, TEST_SUFFIX.replace(".yaml", ".yml"))

MADE_BETWEEN_COLLECTIONS = 50_000
"""Objects that a run makes before it looks for garbage: some 10 MB."""


@immutable
class Suite:
    """A file of conversations and the flow that it tests."""

    loaded: LoadedConversations
    flow: LoadedFlow
    program: Program
    """The flow with those that it can run."""
    files: Mapping[str, str]
    """By name, of each flow of the program; packaged ones have tests of their own, and are left out."""


def find_suites(paths: Iterable[Path], context: CheckContext) -> tuple[list[Suite], list[Problem]]:
    """The conversations below some paths, with their flows, and everything that is wrong with either."""
    with _collecting_seldom():
        return _found(paths, context)


def _found(paths: Iterable[Path], context: CheckContext) -> tuple[list[Suite], list[Problem]]:
    files: dict[Path, None] = {}
    problems: list[Problem] = []
    for path in paths:
        found = list(_test_files(path))
        files.update(dict.fromkeys(found))
        if not found:
            problems.append(_nothing_there(path))
    suites, known = [], FlowFiles()
    for file in files:
        suite = _suite(file, known, problems)
        if suite is not None:
            suites.append(suite)
    for suite in {suite.flow.file: suite for suite in suites}.values():
        world = replace(context, flows={**library(), **suite.program.parts})
        problems += [each for each in check_flow(suite.flow, world) if each.severity is Severity.ERROR]
    return suites, sorted(set(problems))


def _test_files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(file for suffix in _SUFFIXES for file in path.rglob(f"*{suffix}") if file.is_file())
    elif path.is_file() and path.name.endswith(_SUFFIXES):
        yield path
    elif path.is_file():
        beside = (path.with_name(path.stem + suffix) for suffix in _SUFFIXES)
        yield from (file for file in beside if file.is_file())


def _nothing_there(path: Path) -> Problem:
    if path.is_dir():
        message = f"there are no conversations (*{TEST_SUFFIX}) in this folder; write some beside its flows"
    elif path.is_file():
        message = f"there are no conversations for this flow; write them in {path.stem}{TEST_SUFFIX} beside it"
    else:
        message = "there is no such file or folder; correct the path"
    return Problem(str(path), 1, 1, "", message, rule="no_such_file")


def _suite(file: Path, known: FlowFiles, problems: list[Problem]) -> Suite | None:
    try:
        loaded = load_conversations(content_of(file), str(file))
    except OSError as error:
        problems.append(unreadable(file, error))
        return None
    problems += loaded.problems
    if loaded.source.data is None:
        return None
    flow = _flow_of(file, loaded, known, problems)
    if flow is None:
        return None
    beside = known.flows_below(file.parent)
    program = linked(flow.flow, {**library(), **{name: each.flow for name, each in beside.items()}})
    problems += misfits(loaded, program)
    files = {name: beside[name].file for name in program.parts if name in beside}
    return Suite(loaded, flow, program, {flow.flow.flow: flow.file, **files})


def _flow_of(file: Path, loaded: LoadedConversations, known: FlowFiles, problems: list[Problem]) -> LoadedFlow | None:
    """The flow of that name below the file's folder; without a name, the file beside it that is called alike."""
    stem = file.name.removesuffix(_SUFFIXES[0]).removesuffix(_SUFFIXES[1])
    others = known.below(file.parent)
    likely = sorted(others, key=lambda other: (other.stem != stem, other.stem != loaded.flow))
    names: list[str] = []
    for other in likely:
        if not loaded.flow and other.stem != stem:
            break
        try:
            flow = known.load(other)
        except FlowError as error:
            if other.stem in (stem, loaded.flow):
                problems += error.problems
                return None
            continue
        names.append(flow.flow.flow)
        if not loaded.flow or flow.flow.flow == loaded.flow:
            return flow
    wanted = loaded.flow or stem
    hint = did_you_mean(wanted, names or [other.stem for other in others]) or "put the file beside its flow"
    message = f"there is no flow '{wanted}' in {file.parent}; {hint}"
    problems.append(loaded.source.problem(("flow",), message, "unknown_flow", step="flow"))
    return None


def chosen(suites: Iterable[Suite], words: Sequence[str]) -> list[tuple[Suite, PlacedConversation]]:
    """The conversations whose name, flow or file has one of the words; all where there are none."""
    return [
        (suite, placed)
        for suite in suites
        for placed in suite.loaded.conversations
        if not words or any(word.lower() in _searched(suite, placed) for word in words)
    ]


def _searched(suite: Suite, placed: PlacedConversation) -> str:
    return f"{suite.flow.flow.flow} {placed.conversation.name} {suite.loaded.file}".lower()


def run(
    wanted: Sequence[tuple[Suite, PlacedConversation]],
    *,
    zone: tzinfo | None = None,
    calendars: Calendars | None = None,
    stops_at_failure: bool = False,
    on_result: Callable[[Result], None] = lambda result: None,
) -> Report:
    """Play on virtual time. `on_result` is told of each as it is over."""
    began_s = time.perf_counter()
    with _collecting_seldom():
        results = _played(wanted, zone, calendars, stops_at_failure, on_result)
        tried = coverages(wanted, results)
    return Report(results, tried, time.perf_counter() - began_s, tuple(_notes(results)))


@contextmanager
def _collecting_seldom() -> Iterator[None]:
    """What is read and played is kept for the report: looking through it for garbage was a third and an eighth of the
    time."""
    usual = gc.get_threshold()
    gc.set_threshold(MADE_BETWEEN_COLLECTIONS, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _played(
    wanted: Sequence[tuple[Suite, PlacedConversation]],
    zone: tzinfo | None,
    calendars: Calendars | None,
    stops_at_failure: bool,
    on_result: Callable[[Result], None],
) -> list[Result]:
    suites = {id(suite): suite for suite, _ in wanted}.values()
    exits = {suite.flow.file: exits_in(suite.program) for suite in suites}
    results: list[Result] = []
    for suite, placed in wanted:
        started_s = time.perf_counter()
        flow = suite.flow.flow
        played = play(
            placed.conversation,
            suite.program,
            exits=exits[suite.flow.file],
            zone=zone,
            calendars=calendars,
        )
        result = Result(flow.flow, placed, played, time.perf_counter() - started_s)
        results.append(result)
        on_result(result)
        if stops_at_failure and result.has_failed:
            break
    return results


def coverages(wanted: Sequence[tuple[Suite, PlacedConversation]], results: Iterable[Result]) -> list[Coverage]:
    """How much of each flow these results went through."""
    suites = {id(placed): suite for suite, placed in wanted}
    tried = {suite.files[flow.flow]: (flow, list[FlowTrail]()) for suite, flow in _tested(wanted)}
    for result in results:
        files = suites[id(result.placed)].files
        for name, trail in result.played.trail.flows.items() if result.played else ():
            if name in files:
                tried[files[name]][1].append(trail)
    return [
        coverage_of(flow, file, trails, trails[0].exits if trails else None) for file, (flow, trails) in tried.items()
    ]


def _tested(wanted: Iterable[tuple[Suite, PlacedConversation]]) -> Iterator[tuple[Suite, Flow]]:
    """Every flow that the conversations can come through, those that have conversations of their own first."""
    suites = {id(suite): suite for suite, _ in wanted}.values()
    yield from ((suite, suite.program.main) for suite in suites)
    for suite in suites:
        yield from ((suite, part) for part in suite.program.parts.values() if part.flow in suite.files)


def _notes(results: Iterable[Result]) -> list[str]:
    found = (f"{result.name}: {note}" for result in results if result.played for note in result.played.notes)
    return list(dict.fromkeys(found))
