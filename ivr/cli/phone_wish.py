"""What the command line of `ivr call` asks for: its options, in groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

_SCRIPT: Final = "Script: done in the order given, each once the other side has finished speaking"
_PHONE: Final = "Telephone"
_WAITING: Final = "Waiting for calls"


@dataclass(frozen=True, slots=True)
class ScriptOptions:
    """What is done in a call. The names are those that `ivr.phone.script` knows."""

    press: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEYS",
            help="Press keys 0-9 * # A-D. In between: w waits 0.5 s, a space 1 s, a comma 2 s.",
            rich_help_panel=_SCRIPT,
        ),
    ] = None
    say: Annotated[list[str] | None, typer.Option(metavar="TEXT", help="Speak a text.", rich_help_panel=_SCRIPT)] = None
    play: Annotated[
        list[Path] | None, typer.Option(metavar="WAV", help="Play a recording.", rich_help_panel=_SCRIPT)
    ] = None
    wait: Annotated[
        list[float] | None,
        typer.Option(metavar="S", min=0, help="Do nothing for so many seconds.", rich_help_panel=_SCRIPT),
    ] = None
    at_once: Annotated[
        bool,
        typer.Option(
            "--at-once",
            "--barge",
            help="The option behind it does not wait but interrupts; as the last option: none of them waits.",
            rich_help_panel=_SCRIPT,
        ),
    ] = False

    @property
    def acts(self) -> Mapping[str, Sequence[object]]:
        """What was given, by option."""
        return {
            "press": self.press or (),
            "say": self.say or (),
            "play": self.play or (),
            "wait": self.wait or (),
        }


@dataclass(frozen=True, slots=True)
class EachCall:
    """What holds for every call, made or taken."""

    record: Annotated[
        Path | None,
        typer.Option(metavar="WAV", help="Record in stereo, 8 kHz: left what is sent, right what is heard."),
    ] = None
    duration_s: Annotated[
        float | None, typer.Option("--duration", metavar="S", min=0, help="Hang up so many seconds after the answer.")
    ] = None
    is_json: Annotated[
        bool, typer.Option("--json", help="Nothing on standard output but one JSON object per call, at its end.")
    ] = False
    answer_within_s: Annotated[
        float, typer.Option("--answer-within", metavar="S", min=0.1, help="Give up when it rings for longer.")
    ] = 60.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """Whether calls are waited for, and what is done with them."""

    answers: Annotated[
        bool, typer.Option("--answer", help="Wait for calls instead of making one.", rich_help_panel=_WAITING)
    ] = False
    ring_s: Annotated[
        float, typer.Option("--ring", metavar="S", min=0, help="Ring so long, then answer.", rich_help_panel=_WAITING)
    ] = 1.0
    busy: Annotated[bool, typer.Option("--busy", help="Refuse with 486.", rich_help_panel=_WAITING)] = False
    decline: Annotated[
        bool, typer.Option("--decline", help="Refuse with 603, after ringing.", rich_help_panel=_WAITING)
    ] = False
    never_answers: Annotated[
        bool, typer.Option("--no-answer", help="Ring until the caller gives up.", rich_help_panel=_WAITING)
    ] = False
    call_count: Annotated[
        int | None,
        typer.Option("--calls", metavar="N", min=1, help="End after so many calls.", rich_help_panel=_WAITING),
    ] = None

    @property
    def refuse_with(self) -> int | None:
        """SIP status that every call is refused with; None where they are taken."""
        return 486 if self.busy else 603 if self.decline else None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the telephone is, and how it speaks SIP."""

    user: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Name of this telephone; user name at the registrar.", rich_help_panel=_PHONE
        ),
    ] = ""
    account: Annotated[
        str, typer.Option(metavar="URI", help="Own identity, sip:name@domain.", rich_help_panel=_PHONE)
    ] = ""
    registrar: Annotated[
        str, typer.Option(metavar="URI", help="Register there, sip:host[:port].", rich_help_panel=_PHONE)
    ] = ""
    password_env: Annotated[
        str, typer.Option(metavar="VARIABLE", help="Environment variable with the password.", rich_help_panel=_PHONE)
    ] = ""
    caller_id: Annotated[
        str, typer.Option(metavar="NUMBER", help="Number shown to the other side.", rich_help_panel=_PHONE)
    ] = ""
    local_port: Annotated[
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
    ] = 0
    local_address: Annotated[
        str,
        typer.Option(
            "--address",
            metavar="ADDRESS",
            help="Own address; the one that leads to URI. --answer: 127.0.0.1; 0.0.0.0 lets others call.",
            rich_help_panel=_PHONE,
        ),
    ] = ""
    is_tcp: Annotated[bool, typer.Option("--tcp", help="SIP by TCP.", rich_help_panel=_PHONE)] = False
    codec: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="PCMA, PCMU, G722, GSM, iLBC; in order.", rich_help_panel=_PHONE),
    ] = None
    dtmf: Annotated[
        str,
        typer.Option(metavar="HOW", help="rfc4733 (in the audio stream) or info (SIP INFO).", rich_help_panel=_PHONE),
    ] = "rfc4733"


@dataclass(frozen=True, slots=True)
class SpeechOptions:
    """How the telephone speaks and listens."""

    language: Annotated[str, typer.Option(metavar="TAG", help="Language spoken and heard.", rich_help_panel=_PHONE)] = (
        "en-US"
    )
    voice: Annotated[str, typer.Option(metavar="V", help="espeak-ng voice.", rich_help_panel=_PHONE)] = ""
    model: Annotated[
        str, typer.Option(metavar="M", help="Speech model: name or folder (`ivr models`).", rich_help_panel=_PHONE)
    ] = ""
    no_listen: Annotated[
        bool, typer.Option("--no-listen", help="Do not recognize what is heard.", rich_help_panel=_PHONE)
    ] = False


@dataclass(frozen=True, slots=True)
class Wish:
    """All of it."""

    uri: str
    order: tuple[str, ...]
    """Names of the options, once for each time that one was given."""
    script: ScriptOptions
    each: EachCall
    waiting: Waiting
    identity: Identity
    speech: SpeechOptions
