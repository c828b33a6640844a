"""`ivr schema`: a JSON Schema with which editors complete and check flows, settings and conversations."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from ivr.cli.model_notes import field_notes


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("schema")(schema)


def schema(
    settings: Annotated[bool, typer.Option("--settings", help="Of ivr.yaml instead.")] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it to a file.")] = None,
) -> None:
    """Print the JSON Schema of the flow language, for editors: docs/flow-language.md says how."""
    text = schema_text("settings" if settings else "flow")
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        typer.echo(f"{output} cannot be written ({error.strerror}); name another file", err=True)
        raise typer.Exit(1) from error


def schema_text(kind: str) -> str:
    """The schema of `SCHEMAS` as the text of a file."""
    return json.dumps(SCHEMAS[kind](), ensure_ascii=False, indent=1) + "\n"


def _flow() -> dict[str, Any]:
    from ivr.flow.schema import flow_schema

    return flow_schema(field_notes)


def _settings() -> dict[str, Any]:
    from ivr.cli.settings_schema import settings_schema

    return settings_schema(field_notes)


SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {"flow": _flow, "settings": _settings}
"""What operators write, by the name of its file in docs/schema (`flow.schema.json`). A new kind of file is a line here
and an option of the command."""
