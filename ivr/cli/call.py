"""`ivr call`: a telephone in the terminal, for people and for scripts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand

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
    app.command("call", cls=_OrderedCommand)(call)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asks for."""

    uri: str
    answers: bool
    order: tuple[str, ...]
    acts: dict[str, list[Any]]
    record: Path | None
    duration_s: float | None
    is_json: bool
    answer_within_s: float
    ring_s: float
    refuse_with: int | None
    never_answers: bool
    call_count: int | None
    dtmf: str
    caller_id: str
    language: str
    voice: str
    model: str
    has_recognizer: bool
    identity: Any


_SCRIPT: Final = "Script: done in the order given, each once the other side has finished speaking"
_PHONE: Final = "Telephone"
_WAITING: Final = "Waiting for calls"


def call(
    ctx: typer.Context,
    uri: Annotated[str, typer.Argument(metavar="[URI]", help="Whom to call: sip:name@host[:port].")] = "",
    press: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEYS",
            help="Press keys 0-9 * # A-D. In between: w waits 0.5 s, a space 1 s, a comma 2 s.",
            rich_help_panel=_SCRIPT,
        ),
    ] = None,
    say: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="Speak a text.", rich_help_panel=_SCRIPT)
    ] = None,
    play: Annotated[
        list[Path] | None, typer.Option(metavar="WAV", help="Play a recording.", rich_help_panel=_SCRIPT)
    ] = None,
    wait: Annotated[
        list[float] | None,
        typer.Option(metavar="S", min=0, help="Do nothing for so many seconds.", rich_help_panel=_SCRIPT),
    ] = None,
    at_once: Annotated[
        bool,
        typer.Option(
            "--at-once",
            "--barge",
            help="The option behind it does not wait but interrupts; as the last option: none of them waits.",
            rich_help_panel=_SCRIPT,
        ),
    ] = False,
    record: Annotated[
        Path | None,
        typer.Option(metavar="WAV", help="Record in stereo, 8 kHz: left what is sent, right what is heard."),
    ] = None,
    duration: Annotated[
        float | None, typer.Option(metavar="S", min=0, help="Hang up so many seconds after the answer.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Nothing on standard output but one JSON object per call, at its end.")
    ] = False,
    answer_within: Annotated[
        float, typer.Option(metavar="S", min=0.1, help="Give up when it rings for longer.")
    ] = 60.0,
    answer: Annotated[
        bool, typer.Option("--answer", help="Wait for calls instead of making one.", rich_help_panel=_WAITING)
    ] = False,
    ring: Annotated[
        float, typer.Option(metavar="S", min=0, help="Ring so long, then answer.", rich_help_panel=_WAITING)
    ] = 1.0,
    busy: Annotated[bool, typer.Option("--busy", help="Refuse with 486.", rich_help_panel=_WAITING)] = False,
    decline: Annotated[
        bool, typer.Option("--decline", help="Refuse with 603, after ringing.", rich_help_panel=_WAITING)
    ] = False,
    no_answer: Annotated[
        bool, typer.Option("--no-answer", help="Ring until the caller gives up.", rich_help_panel=_WAITING)
    ] = False,
    calls: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="End after so many calls.", rich_help_panel=_WAITING)
    ] = None,
    user: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Name of this telephone; user name at the registrar.", rich_help_panel=_PHONE
        ),
    ] = "",
    account: Annotated[
        str, typer.Option(metavar="URI", help="Own identity, sip:name@domain.", rich_help_panel=_PHONE)
    ] = "",
    registrar: Annotated[
        str, typer.Option(metavar="URI", help="Register there, sip:host[:port].", rich_help_panel=_PHONE)
    ] = "",
    password_env: Annotated[
        str, typer.Option(metavar="VARIABLE", help="Environment variable with the password.", rich_help_panel=_PHONE)
    ] = "",
    caller_id: Annotated[
        str, typer.Option(metavar="NUMBER", help="Number shown to the other side.", rich_help_panel=_PHONE)
    ] = "",
    port: Annotated[
        int,
        typer.Option(
            "--port",
            "--local-port",
            metavar="PORT",
            min=0,
            max=65535,
            help="Own SIP port; any free one.",
            rich_help_panel=_PHONE,
        ),
    ] = 0,
    address: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Own address; the one that leads to URI. --answer: 127.0.0.1; 0.0.0.0 lets others call.",
            rich_help_panel=_PHONE,
        ),
    ] = "",
    tcp: Annotated[bool, typer.Option("--tcp", help="SIP by TCP.", rich_help_panel=_PHONE)] = False,
    codec: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="PCMA, PCMU, G722, GSM, iLBC; in order.", rich_help_panel=_PHONE),
    ] = None,
    dtmf: Annotated[
        str,
        typer.Option(metavar="HOW", help="rfc4733 (in the audio stream) or info (SIP INFO).", rich_help_panel=_PHONE),
    ] = "rfc4733",
    language: Annotated[
        str, typer.Option(metavar="TAG", help="Language spoken and heard.", rich_help_panel=_PHONE)
    ] = "en-US",
    voice: Annotated[str, typer.Option(metavar="V", help="espeak-ng voice.", rich_help_panel=_PHONE)] = "",
    model: Annotated[
        str, typer.Option(metavar="M", help="Speech model: name or folder (`ivr models`).", rich_help_panel=_PHONE)
    ] = "",
    no_listen: Annotated[
        bool, typer.Option("--no-listen", help="Do not recognize what is heard.", rich_help_panel=_PHONE)
    ] = False,
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
    from ivr.cli.phone_options import Identity
    from ivr.cli.phone_run import run

    wish = Wish(
        uri=uri,
        answers=answer,
        order=ctx.meta.get(_ORDER, ()),
        acts={"press": press or [], "say": say or [], "play": play or [], "wait": wait or []},
        record=record,
        duration_s=duration,
        is_json=as_json,
        answer_within_s=answer_within,
        ring_s=ring,
        refuse_with=486 if busy else 603 if decline else None,
        never_answers=no_answer,
        call_count=calls,
        dtmf=dtmf,
        caller_id=caller_id,
        language=language,
        voice=voice,
        model=model,
        has_recognizer=not no_listen,
        identity=Identity(
            user=user,
            account=account,
            registrar=registrar,
            password_env=password_env,
            local_address=address,
            local_port=port,
            is_tcp=tcp,
            codecs=tuple(codec or ()),
        ),
    )
    if answer == bool(uri):
        raise typer.BadParameter("give a URI to call, or --answer to wait for calls", param_hint="URI")
    try:
        status = run(wish)
    except IvrError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    raise typer.Exit(status)
