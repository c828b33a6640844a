"""`ivr call`: a telephone in the terminal, for people and for scripts."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand

from ivr.cli.option_groups import grouped
from ivr.cli.phone_wish import EachCall, Identity, ScriptOptions, SpeechOptions, Waiting, Wish
from ivr.errors import IvrError

_ORDER: Final = "ivr.order"


class _OrderedCommand(TyperCommand):
    """Keeps in which order the options were given, once for each time."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:
            _, _, order = self.make_parser(ctx).parse_args(args=list(args))
            ctx.meta[_ORDER] = tuple(parameter.name for parameter in order)
        return super().parse_args(ctx, args)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("call", cls=_OrderedCommand)(grouped(call))


def call(
    ctx: typer.Context,
    uri: Annotated[str, typer.Argument(metavar="[URI]", help="Whom to call: sip:name@host[:port].")] = "",
    *,
    script: ScriptOptions,
    each: EachCall,
    waiting: Waiting,
    identity: Identity,
    speech: SpeechOptions,
) -> None:
    """A telephone: call URI, or wait for calls (--answer).

    At a terminal: typed keys are sent, a typed line is spoken, q hangs up.

    A script (--press, --say, --play, --wait, as often as you like) is done
    in the order of the command line. Each step first lets the other side
    finish: it waits until something was heard since the last step and 0.7 s
    of silence followed; 3 s when nothing is heard, 60 s at most. Then the
    call goes on until the other side hangs up, or for --duration.

    Exit status: 0 answered, 1 not answered (busy, not found, no answer …)
    or an error, 2 wrong usage.
    """
    from ivr.cli.phone_run import run

    if waiting.answers == bool(uri):
        raise typer.BadParameter("give a URI to call, or --answer to wait for calls", param_hint="URI")
    try:
        status = run(Wish(uri, ctx.meta.get(_ORDER, ()), script, each, waiting, identity, speech))
    except IvrError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    raise typer.Exit(status)
