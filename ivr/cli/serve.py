"""`ivr serve`: answer calls until told to stop."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ivr.errors import IvrError

if TYPE_CHECKING:
    from ivr.config import Settings
    from ivr.flows import FlowSet


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve")(serve)


def serve(
    config: Annotated[Path | None, typer.Option(help="Settings; ./ivr.yaml where there is one.")] = None,
) -> None:
    """Answer calls. Prints `ready sip:…` once calls are accepted; SIGTERM or Ctrl-C ends all calls and the bot."""
    from ivr.logs import configure_logs
    from ivr.settings import load_settings

    try:
        settings = load_settings(config)
        configure_logs(settings.log)
        asyncio.run(_serve(settings))
    except IvrError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


def _flows_in_service(settings: Settings) -> FlowSet:
    """The flows that pass the check; what is wrong with the others is printed."""
    from ivr.check_context import flows_in_service
    from ivr.errors import Severity

    flows = flows_in_service(settings)
    for problem in flows.problems:
        if problem.severity is Severity.ERROR:
            typer.echo(str(problem), err=True)
    return flows


async def _serve(settings: Settings) -> None:
    from ivr.app import Bot

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    bot = Bot(settings, _flows_in_service(settings), typer.echo)
    try:
        await bot.start()
        _tell_how_to_call(bot.sip_uri, settings)
        await stop.wait()
        typer.echo(f"stopping; calls in progress: {bot.call_count}")
    finally:
        await bot.stop()


def _tell_how_to_call(sip_uri: str, settings: Settings) -> None:
    number = next(iter(settings.numbers), settings.default_flow or "")
    scheme, _, host = sip_uri.partition(":")
    address = f"{scheme}:{number}@{host}".removesuffix(":5060")
    typer.echo(f"call it: ivr call {address}    or any SIP telephone: {address}")
    typer.echo(f"ready {address}")
