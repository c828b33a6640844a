"""`ivr ping`: whether a bot, or any SIP server, answers. What health checks of containers call."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ivr.cli.phone_options import split_address
from ivr.errors import ConfigError, IvrError
from ivr.units import parse_duration_s

_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""An address to listen on is none to call."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("ping")(ping)


def ping(
    uri: Annotated[str, typer.Argument(metavar="[URI]", help="SIP address; the settings' own when left out.")] = "",
    within: Annotated[str, typer.Option("--within", help="How long to wait for the answer.")] = "2s",
    config: Annotated[Path | None, typer.Option("--config", help="Settings; ./ivr.yaml where there is one.")] = None,
) -> None:
    """Ask a SIP address for a sign of life (OPTIONS): exit status 0 if it answers, 1 if not or not ready."""
    from ivr.sip import codes
    from ivr.sip.ping import ping as ask

    try:
        host, port, is_tcp = split_address(uri) if uri else _own_address(config)
        pong = ask(host, port, _seconds(within), is_tcp=is_tcp)
    except IvrError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{host}:{port} answers: {pong.sip_status} {pong.reason}, after {pong.after_s * 1000:.0f} ms")
    if pong.sip_status == codes.SERVICE_UNAVAILABLE:  # a front without a worker that takes calls
        raise typer.Exit(1)


def _own_address(config: Path | None) -> tuple[str, int, bool]:
    """Host, port and whether by TCP, as `ivr serve` with these settings listens."""
    from ivr.settings import load_settings

    sip = load_settings(config).sip
    return _ANYWHERE.get(sip.address, sip.address), sip.port, not sip.udp


def _seconds(text: str) -> float:
    try:
        return parse_duration_s(text)
    except ValueError as error:
        raise ConfigError(f"--within: {error}") from None
