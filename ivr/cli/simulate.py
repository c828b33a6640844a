"""`ivr simulate`: a conversation with a flow in the terminal, without a telephone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ivr.errors import IvrError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("simulate")(simulate)


def simulate(
    flow: Annotated[str, typer.Argument(metavar="FLOW", help="File, or name of a flow in the settings' folder.")],
    caller: Annotated[str, typer.Option("--from", metavar="NUMBER", help="Who calls.")] = "+493012345678",
    called: Annotated[str, typer.Option("--to", metavar="NUMBER", help="The number dialled.")] = "100",
    now: Annotated[str, typer.Option("--now", metavar="WHEN", help='Date and time: "2026-11-23 10:00".')] = "",
    language: Annotated[str, typer.Option("--language", metavar="TAG", help="Begin in this language.")] = "",
    values: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Give a variable another first value.")
    ] = None,
    confidence: Annotated[
        float, typer.Option("--confidence", min=0, max=1, help="How sure the recognizer is of what you type.")
    ] = 0.95,
    mock: Annotated[
        Path | None, typer.Option("--mock", metavar="FILE", help="Answers of the outside world, by step.")
    ] = None,
    real_time: Annotated[
        bool, typer.Option("--real-time", help="Time runs: prompts take as long as they do; typing interrupts.")
    ] = False,
    voice: Annotated[bool, typer.Option("--voice", help="Speak and listen through the sound device.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Nothing but the transcript, as JSON, at the end.")] = False,
    config: Annotated[Path | None, typer.Option(help="Settings; ./ivr.yaml when left out.")] = None,
) -> None:
    """Talk to a flow: type what the caller says.

    #1 presses a key, #12# several; <text interrupts; an empty line is
    silence; ! hangs up; ? shows the rest. Transfers and requests ask for
    their outcome. From a pipe, each line of the input is one of these.
    """
    from ivr.cli.simulate_run import Wish, run

    wish = Wish(
        flow=flow,
        caller=caller,
        called=called,
        now=now,
        language=language,
        values=tuple(values or ()),
        confidence=confidence,
        mock=mock,
        is_real_time=real_time or voice,
        has_voice=voice,
        is_json=as_json,
        config=config,
    )
    try:
        run(wish)
    except IvrError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
