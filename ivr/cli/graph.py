"""`ivr graph`: the picture of a flow, with the calls that went through it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ivr.check_context import check_set, surroundings_of
from ivr.config import Settings
from ivr.errors import FlowError, IvrError
from ivr.flow.checks.subject import Subject
from ivr.flow.graph import FlowGraph, Traffic, graph_of, traffic_of
from ivr.flow.loader import LoadedFlow
from ivr.flows import load_file, load_folder
from ivr.model_errors import did_you_mean
from ivr.settings import load_settings

_PERIOD = re.compile(r"(\d{1,4})([hd])")
_COMMENT = re.compile(rb"<!--.*?-->\n?", re.DOTALL)


class Format(StrEnum):
    """What a picture can be written as."""

    SVG = "svg"
    PNG = "png"
    MERMAID = "mermaid"
    DOT = "dot"


_SUFFIXES = {".svg": Format.SVG, ".png": Format.PNG, ".mmd": Format.MERMAID, ".mermaid": Format.MERMAID,
             ".dot": Format.DOT, ".gv": Format.DOT}  # fmt: skip


class GraphError(IvrError):
    """No picture can be made; the text says what to do."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("graph")(graph)


def graph(
    flow: Annotated[str, typer.Argument(metavar="FLOW", help="File, or name of a flow in the settings' folder.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help=".svg, .png, .mmd or .dot.")
    ] = None,
    form: Annotated[Format | None, typer.Option("--format", help="Instead of the suffix of FILE.")] = None,
    calls: Annotated[
        str | None, typer.Option("--calls", metavar="PERIOD", help="Count calls: today, 7d, 12h, all.")
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", help="Settings; ./ivr.yaml when left out.")] = None,
    database: Annotated[
        str | None, typer.Option("--database", metavar="URL", help="Count the calls of this one.")
    ] = None,
) -> None:
    """Draw a flow: its steps, their exits, and what is wrong with them."""
    try:
        wanted = _format(output, form)
        settings = load_settings(config)
        loaded = _loaded(flow, settings)
        traffic = _traffic(loaded, calls, database or settings.database.url) if calls or database else None
        _write(_drawn(_picture(loaded, settings, traffic), wanted), output)
    except FlowError as error:
        typer.echo("\n".join(map(str, error.problems)), err=True)
        raise typer.Exit(1) from error
    except IvrError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


def _format(output: Path | None, form: Format | None) -> Format:
    if form is not None or output is None:
        return form or Format.SVG
    if output.suffix.lower() not in _SUFFIXES:
        raise GraphError(f"{output}: no picture has such a name; let it end in {', '.join(_SUFFIXES)}, or say --format")
    return _SUFFIXES[output.suffix.lower()]


def _loaded(flow: str, settings: Settings) -> LoadedFlow:
    """A file of that name, else the flow of that name. Raises FlowError, GraphError."""
    file = Path(flow)
    if file.is_file() or file.suffix in (".yaml", ".yml"):
        return load_file(file)
    known = load_folder(Path(settings.flows)).flows
    if flow not in known:
        hint = did_you_mean(flow, sorted(known)) or "write some there"
        raise GraphError(f"there is no file and no flow '{flow}' in {settings.flows}; {hint}")
    return known[flow]


def _picture(loaded: LoadedFlow, settings: Settings, traffic: Traffic | None) -> FlowGraph:
    surroundings = surroundings_of(settings)
    beside = load_folder(Path(settings.flows)).flows
    try:
        problems = check_set({**beside, loaded.flow.flow: loaded}, surroundings.context)[loaded.flow.flow]
    finally:
        surroundings.close()
    return graph_of(loaded.flow, Subject(loaded).reachable, problems, traffic)


# --- calls -----------------------------------------------------------------------------------------------------------


def since(period: str, now: datetime) -> datetime | None:
    """When a period began: `today`, `7d`, `12h`; None for `all`. Raises GraphError."""
    match = _PERIOD.fullmatch(period)
    if period == "all":
        return None
    if period == "today":
        return now.replace(hour=0, minute=0, second=0, microsecond=0)
    if match is None:
        raise GraphError(f"'{period}' is no period; write today, a number of days or hours such as 7d or 12h, or all")
    return now - timedelta(**{"days" if match[2] == "d" else "hours": int(match[1])})


def _traffic(loaded: LoadedFlow, calls: str | None, database: str) -> Traffic:
    from ivr.storage.calls import CallRepository

    begin = since(calls or "all", datetime.now().astimezone())
    with CallRepository(database) as repository:
        return traffic_of(repository.lines_of_flow(loaded.flow.flow, begin))


# --- pictures --------------------------------------------------------------------------------------------------------


def _drawn(picture: FlowGraph, form: Format) -> bytes:
    if form is Format.MERMAID:
        from ivr.cli.graph_mermaid import mermaid

        return mermaid(picture).encode()
    from ivr.cli.graph_dot import digraph

    drawn = digraph(picture)
    if form is Format.DOT:
        return str(drawn.source).encode()
    return _COMMENT.sub(b"", _rendered(lambda: drawn.pipe(format=form.value)))


def _rendered(draw: Callable[[], bytes]) -> bytes:
    from graphviz import CalledProcessError, ExecutableNotFound

    try:
        return draw()
    except ExecutableNotFound as error:
        raise GraphError(
            "Graphviz is not installed; install it (Debian: apt-get install graphviz), or try --format mermaid"
        ) from error
    except CalledProcessError as error:
        raise GraphError(f"Graphviz could not draw this flow ({error}); try --format mermaid") from error


def _write(picture: bytes, output: Path | None) -> None:
    if output is None:
        typer.get_binary_stream("stdout").write(picture)
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(picture)
    except OSError as error:
        raise GraphError(f"{output} cannot be written ({error.strerror}); name another file") from error
