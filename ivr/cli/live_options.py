"""Options of `ivr test --live`: how the bot is called."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ivr.live_test.running import Way


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """Whether conversations are played as calls, and by which way."""

    is_live: Annotated[bool, typer.Option("--live", help="As real SIP calls with real speech.")] = False
    through: Annotated[
        str, typer.Option("--through", metavar="URI", help="With --live: dial this (a PBX that leads to the bot).")
    ] = ""
    bot_port: Annotated[
        int, typer.Option("--bot-port", metavar="PORT", min=0, max=65535, help="With --live: SIP port of the bot; any.")
    ] = 0
    user: Annotated[str, typer.Option("--user", metavar="NAME", help="With --through: the caller's name there.")] = ""
    password_env: Annotated[
        str,
        typer.Option("--password-env", metavar="VARIABLE", help="With --user: variable with the password."),
    ] = ""
    at_once: Annotated[
        int,
        typer.Option("--at-once", metavar="N", min=0, help="With --live: legs of a bot in use at a time; all of them."),
    ] = 0
    bots: Annotated[
        int, typer.Option("--bots", metavar="N", min=1, max=16, help="With --live: bots that share the calls.")
    ] = 1
    voice: Annotated[
        str, typer.Option("--voice", metavar="V", help="With --live: the caller's espeak-ng voice; not the bot's own.")
    ] = ""


def way_of(options: LiveOptions) -> Way:
    """The way that the options describe. Raises typer.BadParameter."""
    from ivr.live_test.running import Way

    through, variable = options.through, options.password_env
    if options.bots > 1 and (through or options.bot_port):
        raise typer.BadParameter("only one bot can have the port of --bot-port or --through", param_hint="--bots")
    password = os.environ.get(variable, "") if variable else ""
    if variable and not password:
        raise typer.BadParameter(f"no such environment variable is set: {variable}", param_hint="--password-env")
    if through and not through.lower().startswith(("sip:", "sips:")):
        through = f"sip:{through}"
    return Way(through, options.bot_port, options.user, password, options.voice, options.at_once, options.bots)
