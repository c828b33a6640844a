"""`ivr surveys`: the answers that callers gave, as a table, as JSON or as CSV."""

from __future__ import annotations

import csv
import io
import json
from typing import Annotated

import typer

from ivr.calls.survey_answers import ANSWER_COLUMNS, answer_row, latest, survey_summaries
from ivr.cli.common import ConfigOption, Source, told
from ivr.ports import AnswerRecord

DatabaseOption = Annotated[
    str | None, typer.Option("--database", metavar="URL", help="Read this database instead of the settings' one.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("surveys")(surveys)


def surveys(
    name: Annotated[str | None, typer.Argument(help="One survey; without it, all of them are listed.")] = None,
    as_objects: Annotated[bool, typer.Option("--json", help="JSON for programs; see docs/call-records.md.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="One line per answer, for spreadsheets.")] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Show the answers of surveys; of a question that was answered twice in a call, the last answer counts."""
    if as_objects and as_csv:
        typer.echo("choose --json or --csv", err=True)
        raise typer.Exit(2)
    with told():
        answers = _answers(Source(config, database).url(), name)
    if as_objects:
        typer.echo(json.dumps([answer_row(answer) for answer in answers], ensure_ascii=False, indent=2))
    elif as_csv:
        typer.echo(_as_csv(answers), nl=False)
    else:
        _print_summaries(answers, name)


def _answers(url: str, name: str | None) -> list[AnswerRecord]:
    from ivr.storage.calls import CallRepository, NoDatabaseYet
    from ivr.storage.surveys import answers_of

    with CallRepository(url) as repository:
        try:
            return latest(answers_of(repository, name))
        except NoDatabaseYet:
            return []


def _as_csv(answers: list[AnswerRecord]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, ANSWER_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in answer_row(answer).items()} for answer in answers)
    return text.getvalue()


def _cell(value: object) -> object:
    """A value as a spreadsheet takes it; text that it would take for a formula is kept text (OWASP: CSV injection)."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else value


def _print_summaries(answers: list[AnswerRecord], name: str | None) -> None:
    if not answers:
        typer.echo(f"no answers {f'of {name!r} ' if name else ''}yet; a `survey` step of a flow keeps them")
        return
    for line in survey_summaries(answers):
        typer.echo(line)
