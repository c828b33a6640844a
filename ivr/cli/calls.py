"""`ivr calls`: the recorded calls as a list, and one of them as a readable conversation."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from ivr.calls.record import CallRecord, TimelineLine, as_json, printable, summary_as_json, timeline
from ivr.cli.columns import print_rows
from ivr.cli.common import ConfigOption, Source, run

if TYPE_CHECKING:
    from ivr.storage.calls import CallRepository

_HEADINGS = ("id", "started (local)", "from", "to", "flow", "talk", "ended", "by")
_SHORT_ID_LENGTH = 8

DatabaseOption = Annotated[
    str | None, typer.Option("--database", metavar="URL", help="Read this database instead of the settings' one.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON for programs; fields: docs/call-records.md.")]


def register(app: typer.Typer) -> None:
    """Add the command and its sub-command."""
    group = typer.Typer(invoke_without_command=True, add_completion=False)
    group.callback()(list_calls)
    group.command("show")(show_call)
    app.add_typer(group, name="calls")


def list_calls(
    context: typer.Context,
    last: Annotated[int, typer.Option("--last", metavar="N", min=1, help="How many calls.")] = 20,
    as_objects: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """List the last recorded calls, newest first; `ivr calls show ID` prints one as a conversation."""
    context.obj = Source(config, database)
    if context.invoked_subcommand is None:
        run(lambda: _list(context.obj, last, as_objects))


def show_call(
    context: typer.Context,
    call_id: Annotated[str, typer.Argument(metavar="ID", help="The call's id, or the beginning of it.")],
    as_objects: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Print one call as a timeline: what the bot said, what the caller said or pressed, and how it ended."""
    source = Source(config, database).behind(context.obj)
    run(lambda: _show(source, call_id, as_objects))


def _open(source: Source) -> CallRepository:
    from ivr.storage.calls import CallRepository

    return CallRepository(source.url())


def _list(source: Source, last: int, as_objects: bool) -> None:
    from ivr.storage.calls import NoDatabaseYet

    with _open(source) as repository:
        try:
            records, remark = repository.last(last), f"no calls in {repository.address} yet"
        except NoDatabaseYet as error:
            records, remark = [], str(error)
    if as_objects:
        _print_json([summary_as_json(record) for record in records])
    elif not records:
        typer.echo(f"{remark}; start the bot with `ivr serve` and call it")
    else:
        rows = [_row(record) for record in records]
        print_rows(_HEADINGS, _shortened(rows) if sys.stdout.isatty() else rows, right={"talk"}, wrapped={"ended"})


def _show(source: Source, call_id: str, as_objects: bool) -> None:
    with _open(source) as repository:
        record = repository.get(call_id)
    if as_objects:
        _print_json(as_json(record))
    else:
        _print_timeline(record)


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def _row(record: CallRecord) -> tuple[str, ...]:
    reason = record.end_reason or "in progress"
    if record.transfer_target:
        reason += f" to {record.transfer_target}"
    if record.end_reason == "rejected" and record.sip_status:
        reason += f" with {record.sip_status}"
    return tuple(
        printable(cell)
        for cell in (
            record.id,
            record.started_at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            record.ani or "-",
            record.dnis or "-",
            record.flow or "-",
            "-" if record.talk_s is None else _clock(record.talk_s),
            reason.replace("_", " "),
            record.ended_by or "-",
        )
    )


def _shortened(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """With ids for a terminal's width."""
    return [(_short(identity, rows), *cells) for identity, *cells in rows]


def _short(identity: str, rows: Sequence[tuple[str, ...]]) -> str:
    """A beginning that is unique among the calls shown, for a terminal's width."""
    length = _SHORT_ID_LENGTH
    while length < len(identity) and sum(row[0].startswith(identity[:length]) for row in rows) > 1:
        length += 1
    return identity[:length]


def _print_timeline(record: CallRecord) -> None:
    console = Console(highlight=False, soft_wrap=True)
    started = record.started_at.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
    console.print(Text(f"call {printable(record.id)}, {started}", style="bold"))
    lines = timeline(record)
    step_width = max((len(line.step) for line in lines), default=0)
    for line in lines:
        console.print(_timeline_text(line, step_width))
    if record.tags:
        console.print(Text("  tags: " + ", ".join(_tag(name, value) for name, value in record.tags.items())))
    for name, value in record.variables.items():
        console.print(Text(f"  {printable(name)} = {printable(json.dumps(value, ensure_ascii=False))}", style="dim"))


def _tag(name: str, value: object) -> str:
    return printable(name if value is True else f"{name} = {json.dumps(value, ensure_ascii=False)}")


def _timeline_text(line: TimelineLine, step_width: int) -> Text:
    style = {"caller": "cyan", "call": "bold"}.get(line.who, "")
    return Text.assemble(
        (f"{_clock(line.offset_s, tenths=True):>8}  ", "dim"),
        (f"{line.who:<6}  ", style),
        (f"{printable(line.step):<{step_width}}  ", "dim"),
        (printable(line.text), style),
    )


def _clock(duration_s: float, *, tenths: bool = False) -> str:
    tenths_total = round(duration_s * 10)
    minutes, rest = divmod(tenths_total, 600)
    return f"{minutes}:{rest / 10:04.1f}" if tenths else f"{minutes}:{rest // 10:02d}"
