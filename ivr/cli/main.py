"""The `ivr` command: every sub-command is a module of this package with a `register(app)` function."""

from __future__ import annotations

import importlib
import importlib.util

import typer

COMMANDS = (
    "serve", "check", "test", "simulate", "schema", "graph", "call", "calls", "surveys", "say", "listen", "models",
    "hours", "doctor", "flows", "flows_new",
)  # fmt: skip

app = typer.Typer(
    name="ivr",
    help="An open telephone assistant: SIP calls led by dialogs written in YAML.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

for _name in COMMANDS:
    if importlib.util.find_spec(f"ivr.cli.{_name}"):
        importlib.import_module(f"ivr.cli.{_name}").register(app)
