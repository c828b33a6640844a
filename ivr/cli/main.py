"""The `ivr` command: every sub-command is a module of this package with a `register(app)` function.

Only the module of the command that is called is imported: together they take a second.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

from ivr.memory import with_plain_names, without_plugins

if TYPE_CHECKING:
    from typer._click import Command, Context

SUMMARIES: Mapping[str, str] = {
    "serve": "Answer calls. "
    "Prints `ready sip:…` once calls are accepted; SIGTERM or Ctrl-C ends all calls and the bot.",
    "status": "Show the workers of the bot that runs here, and how many calls each has.",
    "drain": "Replace a worker, or all of them, one after the other; each ends with its last call.",
    "monitor": "Call a supervisor's telephone and let it take part in a talk; "
    "once more with another --mode changes how.",
    "check": "Check flows: errors first, then warnings. Exit status 0 if they can go into service, 1 if not.",
    "test": "Play the conversations of *.test.yaml files against their flows, on virtual time.",
    "simulate": "Talk to a flow: type what the caller says.",
    "schema": "Print the JSON Schema of the flow language, for editors: docs/flow-language.md says how.",
    "graph": "Draw a flow: its steps, their exits, and what is wrong with them.",
    "call": "A telephone: call URI, or wait for calls (--answer).",
    "surveys": "Show the answers of surveys; of a question that was answered twice in a call, the last answer counts.",
    "say": "Speak TEXT into a telephone-ready WAV file: mono, 16-bit, 8 kHz, at the level of all prompts.",
    "listen": "Recognize recordings and print what was heard, in their order; exit 1 where one could not be read.",
    "doctor": "Check everything the bot needs: exit status 0 if it can answer calls, 1 if not. Warnings do not count.",
    "ping": "Ask a SIP address for a sign of life (OPTIONS): exit status 0 if it answers, 1 if not or not ready.",
    "calls": "List the last recorded calls, newest first; `ivr calls show ID` prints one as a conversation.",
    "agents": "List the agents; `ivr agents add` makes one, `ivr agents state` logs in and out, pauses and resumes.",
    "queues": "Show every queue: who waits, who serves it, and its figures of today.",
    "models": "List the speech models; `ivr models install NAME` gets one, `ivr models test` tries one.",
    "hours": "Show what every calendar says now, and when that changes; `close` and `open` decide by hand.",
    "front": "The SIP front before several workers: `ivr front config` prints what Kamailio is started with.",
    "users": "Show who may log in at the desk; `add`, `password` and `remove` change it.",
    "flows": "Show every flow: "
    "version in service, since when, by whom, calls today, and what is wrong with a newer file.",
}
"""Every command, with the first sentence of its help (`ivr --help` imports none of them)."""

MODULES: Mapping[str, tuple[str, ...]] = {"flows": ("flows", "flows_new")}
"""Where a command is made of other modules than the one of its name."""


class _Commands(TyperGroup):
    """The commands, each imported when it is asked for."""

    def list_commands(self, ctx: Context) -> list[str]:
        return list(SUMMARIES)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        if cmd_name in SUMMARIES and cmd_name not in self.commands:
            self.commands[cmd_name] = load(cmd_name)
        return super().get_command(ctx, cmd_name)

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        if args and args[0] in SUMMARIES:
            without_plugins()  # typer and every command use pydantic
            with_plain_names()
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Context, args: list[str]) -> Any:
        if args and args[0] not in SUMMARIES:
            self._stand_in()  # the message names what is near
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: Context, formatter: Any) -> None:
        self._stand_in()
        super().format_help(ctx, formatter)

    def _stand_in(self) -> None:
        """Names and summaries are all that is needed of the commands."""
        for name, summary in SUMMARIES.items():
            self.commands.setdefault(name, TyperCommand(name, help=summary))


def load(name: str) -> Command:
    """A command, imported."""
    alone = typer.Typer(add_completion=False)
    for module in MODULES.get(name, (name,)):
        importlib.import_module(f"ivr.cli.{module}").register(alone)
    alone.callback()(lambda: None)
    return typer.main.get_group(alone).commands[name]


app = typer.Typer(
    cls=_Commands,
    name="ivr",
    help="An open telephone assistant: SIP calls led by dialogs written in YAML.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.callback()(lambda: None)
