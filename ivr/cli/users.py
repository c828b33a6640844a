"""`ivr users`: who may log in at the desk."""

from __future__ import annotations

import getpass
import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ivr.cli.columns import print_rows
from ivr.cli.common import ConfigOption, Source, told
from ivr.errors import ConfigError
from ivr.ports.people import Role, User

if TYPE_CHECKING:
    from ivr.storage.people import PeopleRepository

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON for programs.")]


def register(app: typer.Typer) -> None:
    """Add the command and its sub-commands."""
    group = typer.Typer(invoke_without_command=True, add_completion=False)
    group.callback()(users)
    group.command("list")(list_users)
    group.command("add")(add)
    group.command("password")(password)
    group.command("remove")(remove)
    app.add_typer(group, name="users")


def users(context: typer.Context, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Show who may log in at the desk; `add`, `password` and `remove` change it."""
    context.obj = config
    if context.invoked_subcommand is None:
        _run(config, lambda people: _show(people, as_json))


def list_users(context: typer.Context, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Show who may log in at the desk."""
    _run(config or context.obj, lambda people: _show(people, as_json))


def add(
    context: typer.Context,
    name: NameArgument,
    role: Annotated[Role, typer.Option(help="What the user may do.")] = Role.AGENT,
    config: ConfigOption = None,
) -> None:
    """Let somebody log in. The password is asked for, or read from standard input where that is no terminal."""

    def act(people: PeopleRepository) -> None:
        user = User(_checked(name), role, "", datetime.now(UTC))
        if name in {each.name for each in people.users()}:
            raise ConfigError(f"there is a user {name!r} already; `ivr users password {name}` sets the password")
        people.add(user, _hash_of_new_password())
        typer.echo(f"{name} may log in as {role}")

    _run(config or context.obj, act)


def password(context: typer.Context, name: NameArgument, config: ConfigOption = None) -> None:
    """Set somebody's password; it is asked for, or read from standard input. Whoever is logged in by that name is not
    any more.
    """

    def act(people: PeopleRepository) -> None:
        people.set_password(_checked(name), _hash_of_new_password())
        typer.echo(f"{name} has a new password")

    _run(config or context.obj, act)


def remove(context: typer.Context, name: NameArgument, config: ConfigOption = None) -> None:
    """Let somebody log in no more, and end what he has open."""

    def act(people: PeopleRepository) -> None:
        people.remove(name)
        typer.echo(f"{name} is removed")

    _run(config or context.obj, act)


def _run(config: Path | None, act: Callable[[PeopleRepository], None]) -> None:
    from ivr.storage.people import PeopleRepository

    with told(), PeopleRepository(Source(config).url()) as people:
        act(people)


def _show(people: PeopleRepository, as_json: bool) -> None:
    found = people.users()
    if as_json:
        listed = [{"name": user.name, "role": user.role, "created_at": user.created_at.isoformat()} for user in found]
        typer.echo(json.dumps(listed, indent=2))
    elif not found:
        typer.echo("nobody may log in yet; `ivr serve` makes the first user, or: ivr users add NAME --role operator")
    else:
        rows = [(user.name, str(user.role), user.created_at.astimezone().strftime("%Y-%m-%d")) for user in found]
        print_rows(("name", "role", "since"), rows)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{name!r} cannot be a name; use a-z, 0-9, dot, hyphen and underscore, at most 64 of them")
    return name


def _hash_of_new_password() -> str:
    from ivr.web.passwords import LEAST_LENGTH, MOST_LENGTH, hashed

    chosen = _asked()
    if not LEAST_LENGTH <= len(chosen) <= MOST_LENGTH:
        raise ConfigError(f"a password has {LEAST_LENGTH} to {MOST_LENGTH} characters; this one has {len(chosen)}")
    return hashed(chosen)


def _asked() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    chosen = getpass.getpass("password: ")
    if getpass.getpass("again: ") != chosen:
        raise ConfigError("the two are not the same; nothing was changed")
    return chosen
