"""`ivr test`: the conversations of `*.test.yaml` files, played against their flows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ivr.check_context import surroundings_of
from ivr.cli.live_options import LiveOptions, way_of
from ivr.cli.option_groups import grouped
from ivr.cli.rehearsing import calendars_of, zone_of
from ivr.config import Settings
from ivr.errors import ConfigError, IvrError, Problem
from ivr.rehearsal.reading import PlacedConversation
from ivr.rehearsal.results import (
    Report,
    Result,
    as_json,
    as_junit,
    coverage_lines,
    failure_lines,
    summary_line,
)
from ivr.rehearsal.running import Suite, chosen, find_suites, run
from ivr.settings import load_settings

if TYPE_CHECKING:
    from ivr.live_test.running import Way

Wanted = Sequence[tuple[Suite, PlacedConversation]]

PASSED, FAILED, UNUSABLE = 0, 1, 2


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("test")(grouped(test))


def test(
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders of them.", metavar="PATH...")],
    only: Annotated[
        list[str] | None,
        typer.Option("-k", metavar="WORDS", help="Only those with this in name, flow or file."),
    ] = None,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", "-x", help="End at the first that fails.")] = False,
    coverage: Annotated[bool, typer.Option("--coverage", help="Name the steps and exits that no call tried.")] = False,
    min_coverage: Annotated[
        float | None,
        typer.Option("--min-coverage", metavar="PERCENT", min=0, max=100, help="Fail where a flow is tried less."),
    ] = None,
    junit: Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML as well.")] = None,
    json_report: Annotated[bool, typer.Option("--json", help="One JSON object instead of lines.")] = False,
    config: Annotated[Path | None, typer.Option(help="Settings; ./ivr.yaml when left out.")] = None,
    *,
    live: LiveOptions,
) -> None:
    """Play the conversations of *.test.yaml files against their flows, on virtual time.

    Exit status: 0 all went as written, 1 one did not (or was tried too
    little), 2 nothing could be played: mistakes in the files.
    """
    try:
        settings = load_settings(config)
        suites, problems = find_suites(paths, surroundings_of(settings).context)
    except ConfigError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(UNUSABLE) from error
    wanted = chosen(suites, only or ())
    if problems or not wanted:
        _refuse(problems, only or [], json_report)
    show = _Shown(json_report)
    if live.is_live:
        report = _live(wanted, settings, way_of(live), fail_fast, show)
    else:
        zone, calendars = zone_of(settings), calendars_of(settings)
        report = run(wanted, zone=zone, calendars=calendars, stops_at_failure=fail_fast, on_result=show.result)
    _write_junit(junit, report)
    low = [each for each in report.coverage if min_coverage is not None and each.percent < min_coverage]
    show.end(report, has_coverage=coverage, low=[each.flow for each in low], least=min_coverage)
    raise typer.Exit(FAILED if report.failed or low else PASSED)


def _refuse(problems: list[Problem], words: list[str], json_report: bool) -> None:
    message = "" if problems else f"no conversation has {' or '.join(words)!r} in its name; see them all without -k"
    if json_report:
        found = [{"place": f"{p.file}:{p.line}:{p.column}", "test": p.step, "message": p.message} for p in problems]
        typer.echo(json.dumps({"ok": False, "problems": found, "message": message}, ensure_ascii=False, indent=2))
        raise typer.Exit(UNUSABLE)
    for problem in problems:
        step = f"{problem.step}: " if problem.step else ""
        place = typer.style(f"{problem.file}:{problem.line}:{problem.column}:", bold=True)
        typer.echo(f"{place} {typer.style(step, fg='red')}{problem.message}")
    count = len(problems)
    nothing = f"nothing was played: {count} mistake{'' if count == 1 else 's'} to correct first"
    typer.secho(message or nothing, fg="red", err=bool(message))
    raise typer.Exit(UNUSABLE)


def _write_junit(file: Path | None, report: Report) -> None:
    if file is None:
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(as_junit(report), encoding="utf-8")
    except OSError as error:
        typer.echo(f"--junit {file}: cannot be written ({error.strerror}); choose another place", err=True)
        raise typer.Exit(UNUSABLE) from error


class _Shown:
    """Results on the screen, as they come."""

    def __init__(self, is_json: bool) -> None:
        self._is_json = is_json

    def result(self, result: Result) -> None:
        """A failure is told at once; what passes is counted only, unless it took long enough to be waited for."""
        if self._is_json:
            return
        if result.has_failed:
            typer.secho("\n".join(failure_lines(result)), fg="red")
            typer.echo("")
        elif result.played is None:
            typer.secho(f"skipped: {result.place}: {result.name}: {result.skipped_because}", fg="yellow")
        elif result.is_live:
            typer.echo(f"passed: {result.name} ({result.took_s:.1f} s)")

    def end(self, report: Report, *, has_coverage: bool, low: list[str], least: float | None) -> None:
        """Everything at the end."""
        if self._is_json:
            typer.echo(json.dumps({**as_json(report), "too_little_tried": low}, ensure_ascii=False, indent=2))
            return
        for each in report.coverage:
            if has_coverage or each.flow in low:
                typer.echo("\n".join(coverage_lines(each)))
        for name in low:
            typer.secho(f"{name} is tried less than {least:g} %; write conversations for what is named above", fg="red")
        for note in report.notes:
            typer.secho(f"note: {note}", dim=True)
        typer.secho(summary_line(report), fg="red" if report.failed or low else "green")


def _live(wanted: Wanted, settings: Settings, way: Way, fail_fast: bool, show: _Shown) -> Report:
    from ivr.live_test.running import run_live
    from ivr.logs import log_to_standard_error

    log_to_standard_error()
    try:
        return run_live(
            wanted,
            settings,
            way,
            zone=zone_of(settings),
            calendars=calendars_of(settings),
            stops_at_failure=fail_fast,
            on_result=show.result,
        )
    except IvrError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(UNUSABLE) from error
