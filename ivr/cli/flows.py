"""`ivr flows`: what is in service, its versions, and how a version gets there. Works with and without a running bot."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from ivr.calls.routing import DRAFT_SUFFIX
from ivr.cli.columns import print_rows
from ivr.cli.common import ConfigOption, told
from ivr.errors import Severity, StorageError
from ivr.settings import load_settings

if TYPE_CHECKING:
    from ivr.config import Settings
    from ivr.publishing.desk import Desk, Side
    from ivr.publishing.overview import Overview, Row
    from ivr.publishing.versions import Publication

JsonOption = Annotated[bool, typer.Option("--json", help="JSON for programs; fields: docs/publishing.md.")]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The flow's name (its `flow:` key).")]


@dataclass(frozen=True)
class _Shared:
    """Options that may stand before or behind the sub-command."""

    config: Path | None
    as_json: bool


def register(app: typer.Typer) -> None:
    """Add the command and its sub-commands."""
    group = typer.Typer(invoke_without_command=True, add_completion=False)
    group.callback()(list_flows)
    group.command("versions")(list_versions)
    group.command("diff")(diff)
    group.command("rollback")(rollback)
    group.command("publish")(publish)
    app.add_typer(group, name="flows")


def list_flows(context: typer.Context, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Show every flow: version in service, since when, by whom, calls today, and what is wrong with a newer file."""
    context.obj = _Shared(config, as_json)
    if context.invoked_subcommand is None:
        _run(lambda: _list(config, as_json))


def list_versions(
    context: typer.Context, name: NameArgument, as_json: JsonOption = False, config: ConfigOption = None
) -> None:
    """List the kept versions of a flow, newest first."""
    _run(lambda: _versions(_desk(context, config), name, _is_json(context, as_json)))


def diff(
    context: typer.Context,
    name: NameArgument,
    a: Annotated[
        str, typer.Argument(metavar="[A]", help="`served`, `file`, `draft` or the beginning of a version.")
    ] = "",
    b: Annotated[str, typer.Argument(metavar="[B]", help="The same; what is in service when left out.")] = "",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Compare two versions. Without A and B: what is in service, with the draft, the changed file or the one before."""
    _run(lambda: _diff(_desk(context, config), name, a, b, _is_json(context, as_json)))


def rollback(
    context: typer.Context,
    name: NameArgument,
    version: Annotated[
        str, typer.Argument(metavar="[VERSION]", help="Beginning of a version; the one before when left out.")
    ] = "",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Write an earlier version back into the flow's file; a running bot takes it at once."""
    _run(lambda: _done(_desk(context, config).rollback(name, version), name, _is_json(context, as_json)))


def publish(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Flows that go into service together.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Put a draft into service; with `publish: manual`, a changed file."""
    _run(lambda: _publish(_desk(context, config), names, _is_json(context, as_json)))


# --- what they do


def _run(command: Callable[[], None]) -> None:
    from ivr.logs import log_to_standard_error

    log_to_standard_error()
    with told():
        command()


def _desk(context: typer.Context, config: Path | None) -> Desk:
    shared: _Shared = context.obj
    return _desk_of(load_settings(config or shared.config))


def _desk_of(settings: Settings) -> Desk:
    from ivr.check_context import check_in, surroundings_of
    from ivr.publishing.desk import Desk

    return Desk(settings, check_in(surroundings_of(settings)))


def _is_json(context: typer.Context, as_json: bool) -> bool:
    shared: _Shared = context.obj
    return as_json or shared.as_json


def _list(config: Path | None, as_json: bool) -> None:
    from ivr.publishing.overview import overview

    settings = load_settings(config)
    found = overview(_desk_of(settings))
    counts, remark = _calls_today(settings)
    if as_json:
        _print_json(_overview_json(found, counts, settings))
        return
    print_rows(
        _HEADINGS, [_cells(row, found.rows, counts) for row in found.rows], right={"calls today"}, wrapped={"state"}
    )
    for problem in found.problems:
        if problem.severity is Severity.ERROR:
            typer.secho(str(problem), fg="red")
    for worker in found.workers:
        if worker.preparing:
            typer.echo(f"{worker.worker} renders {worker.preparing}")
    typer.secho("; ".join(filter(None, (_who_serves(found), remark))), dim=True)


def _calls_today(settings: Settings) -> tuple[dict[tuple[str, str], int] | None, str]:
    """Calls since midnight by flow and version; None and why, where the records cannot tell."""
    from ivr.storage.calls import CallRepository, NoDatabaseYet

    midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        with CallRepository(settings.database.url) as repository:
            return repository.count_since(midnight), ""
    except NoDatabaseYet:
        return {}, ""
    except StorageError as error:
        return None, f"calls today: {error}"


def _calls_of(row: Row, rows: Sequence[Row], counts: dict[tuple[str, str], int] | None) -> int | None:
    """Calls of a flow; those of its draft are counted with the draft."""
    if counts is None:
        return None
    base = row.name.removesuffix(DRAFT_SUFFIX)
    by_version = {version: number for (flow, version), number in counts.items() if flow == base}
    if base != row.name:
        return by_version.get(row.version, 0)
    live = {each.version for each in rows if each.name == base}
    drafts = {each.version for each in rows if each.name == base + DRAFT_SUFFIX} - live
    return sum(number for version, number in by_version.items() if version not in drafts)


_HEADINGS = ("flow", "version", "since (local)", "by", "calls today", "state")


def _cells(row: Row, rows: Sequence[Row], counts: dict[tuple[str, str], int] | None) -> tuple[str, ...]:
    calls = _calls_of(row, rows, counts)
    since = row.since.astimezone().strftime("%Y-%m-%d %H:%M:%S") if row.since else "-"
    return (row.name, row.version or "-", since, row.who or "-", "-" if calls is None else str(calls), _state(row))


def _state(row: Row) -> str:
    if row.elsewhere:
        return "differs: " + ", ".join(f"{worker} {version or 'none'}" for worker, version in row.elsewhere.items())
    errors = f"{row.error_count} error{'s' if row.error_count != 1 else ''}"
    if row.error_count:
        return f"in service; newer file has {errors}" if row.version else f"not in service: {errors}"
    if row.newer:
        return f"newer file waits: ivr flows publish {row.name}"
    if row.name.endswith(DRAFT_SUFFIX):
        return f"draft: call {row.name}, ivr flows publish {row.name.removesuffix(DRAFT_SUFFIX)}"
    return "in service"


def _who_serves(found: Overview) -> str:
    if not found.workers:
        return "the bot does not run; this is what it would serve"
    workers = ", ".join(f"{worker.worker} (process {worker.pid})" for worker in found.workers)
    return f"served by {workers}"


def _overview_json(found: Overview, counts: dict[tuple[str, str], int] | None, settings: Settings) -> dict[str, Any]:
    rows = [
        {
            "name": row.name,
            "version": row.version or None,
            "since": row.since.isoformat() if row.since else None,
            "who": row.who or None,
            "file": row.file,
            "calls_today": _calls_of(row, found.rows, counts),
            "newer_version": row.newer or None,
            "problems": [asdict(problem) for problem in row.problems],
            "differs": row.elsewhere,
        }
        for row in found.rows
    ]
    workers = [{"worker": each.worker, "pid": each.pid, "preparing": each.preparing} for each in found.workers]
    problems = [asdict(problem) for problem in found.problems]
    return {"publish": settings.publishing.publish, "workers": workers, "flows": rows, "problems": problems}


def _versions(desk: Desk, name: str, as_json: bool) -> None:
    from ivr.publishing.versions import served

    history = desk.store.history(name)
    if not history:
        desk.store.find(name, "")  # says what is wrong
    now = served(history)
    if as_json:
        _print_json([{**_publication_json(entry), "is_in_service": entry == now} for entry in history])
        return
    rows = [
        (
            entry.version,
            entry.at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            entry.who,
            entry.how + (" (in service)" if entry == now else ""),
            entry.file,
        )
        for entry in history
    ]
    print_rows(("version", "since (local)", "by", "how", "file"), rows, wrapped={"file"})


def _publication_json(entry: Publication) -> dict[str, Any]:
    return {**asdict(entry), "at": entry.at.isoformat()}


def _diff(desk: Desk, name: str, a: str, b: str, as_json: bool) -> None:
    one, other = desk.sides(name.removesuffix(DRAFT_SUFFIX), a, b)
    lines = list(_unified(one, other))
    if as_json:
        sides = [{"label": side.label, "version": side.version} for side in (one, other)]
        _print_json({"name": name, "a": sides[0], "b": sides[1], "diff": "\n".join(lines)})
    elif not lines:
        typer.echo(f"{one.label} and {other.label} are the same")
    else:
        _print_diff(lines)


def _unified(one: Side, other: Side) -> Iterator[str]:
    return difflib.unified_diff(
        one.text.splitlines(), other.text.splitlines(), one.label, other.label, one.version, other.version, lineterm=""
    )


def _print_diff(lines: Sequence[str]) -> None:
    """In colours on a terminal; byte for byte for files and pipes."""
    console = Console(highlight=False, soft_wrap=True)
    for line in lines:
        if console.is_terminal:
            console.print(Text(line, style=_diff_style(line)))
        else:
            typer.echo(line)


def _diff_style(line: str) -> str:
    if line.startswith(("+++", "---")):
        return "bold"
    return {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")


def _publish(desk: Desk, names: Sequence[str], as_json: bool) -> None:
    done = desk.publish(names)
    if as_json:
        _print_json([{"name": name, **_publication_json(entry)} for name, entry in zip(names, done, strict=True)])
        return
    for name, entry in zip(names, done, strict=True):
        typer.echo(_sentence(name.removesuffix(DRAFT_SUFFIX), entry))


def _done(entry: Publication, name: str, as_json: bool) -> None:
    if as_json:
        _print_json({"name": name, **_publication_json(entry)})
    else:
        typer.echo(_sentence(name, entry))


def _sentence(name: str, entry: Publication) -> str:
    if entry.how == "removed":
        return f"{name} is taken out of service"
    did = f"{entry.how} to" if entry.how == "rolled back" else entry.how
    return f"{name}: {did} version {entry.version} in {entry.file}; a running bot takes it within two seconds"


# --- how they print


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
