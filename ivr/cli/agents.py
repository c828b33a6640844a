"""`ivr agents`: who takes calls, and what they are doing."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from ivr.acd.agent import NEVER, Agent, settled, unknown
from ivr.acd.wishes import Wish, act_for
from ivr.calls.record import printable
from ivr.cli.columns import print_rows
from ivr.cli.queue_store import ConfigOption, DatabaseOption, JsonOption, Source, local, run
from ivr.errors import QueueError

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Of the agent: small letters, digits, . _ -")]

_HEADINGS = ("agent", "state", "since (local)", "why", "queue", "calls", "skills", "sip")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_SKILL = re.compile(r"([a-z][a-z0-9_]*)=(10|[1-9])")
_ADDRESS = re.compile(r"sips?:\S{1,250}")


def register(app: typer.Typer) -> None:
    """Add the command and its sub-commands."""
    group = typer.Typer(invoke_without_command=True, add_completion=False)
    group.callback()(agents)
    group.command("list")(list_agents)
    group.command("add")(add_agent)
    group.command("state")(set_state)
    app.add_typer(group, name="agents")


def agents(
    context: typer.Context, as_objects: JsonOption = False, config: ConfigOption = None, database: DatabaseOption = None
) -> None:
    """List the agents; `ivr agents add` makes one, `ivr agents state` logs in and out, pauses and resumes."""
    context.obj = Source(config, database)
    if context.invoked_subcommand is None:
        run(lambda: _list(context.obj, as_objects))


def list_agents(
    context: typer.Context, as_objects: JsonOption = False, config: ConfigOption = None, database: DatabaseOption = None
) -> None:
    """List the agents, by name."""
    run(lambda: _list(_source(context, config, database), as_objects))


def add_agent(
    context: typer.Context,
    name: NameArgument,
    sip: Annotated[str, typer.Option("--sip", metavar="URI", help="Address of the telephone: sip:user@host.")],
    skill: Annotated[
        list[str] | None, typer.Option("--skill", metavar="NAME=LEVEL", help="german=3; levels 1 to 10.")
    ] = None,
    as_objects: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Add an agent, who is logged out at first; of one who is there, change address and skills."""
    run(lambda: _add(_source(context, config, database), name, sip, skill or [], as_objects))


def set_state(
    context: typer.Context,
    name: NameArgument,
    state: Annotated[Wish, typer.Argument(help="available also logs in, and ends a pause or the work after a call.")],
    reason: Annotated[str, typer.Option("--reason", help="Of a pause.")] = "",
    as_objects: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Make an agent available, paused or logged out; during a call, a pause or log-out comes after it."""
    run(lambda: _set(_source(context, config, database), name, state, reason, as_objects))


def _source(context: typer.Context, config: ConfigOption, database: DatabaseOption) -> Source:
    outer: Source = context.obj
    return Source(config or outer.config, database or outer.database)


def _list(source: Source, as_objects: bool) -> None:
    with source.opened() as queues:
        found = queues.scene().agents if queues.is_there() else ()
    now = datetime.now(UTC)
    by_now = [settled(agent, now) for agent in found]
    if not as_objects and not found:
        typer.echo("no agents yet; add one: ivr agents add anna --sip sip:anna@pbx.example.com --skill german=3")
        return
    _show(by_now, as_objects)


def _add(source: Source, name: str, sip: str, skills: Sequence[str], as_objects: bool) -> None:
    if not _NAME.fullmatch(name):
        raise QueueError(f"{name!r} is no name for an agent; write up to 40 small letters, digits, dots, - and _")
    if not _ADDRESS.fullmatch(sip):
        raise QueueError(f"{sip!r} is not a SIP address; write it as sip:user@host")
    with source.opened() as queues:
        queues.migrate()
        _show_one(queues.add_agent(name, sip, _levels(skills)), as_objects)


def _levels(skills: Sequence[str]) -> dict[str, int]:
    found = {skill: _SKILL.fullmatch(skill) for skill in skills}
    if wrong := [skill for skill, match in found.items() if match is None]:
        raise QueueError(f"{wrong[0]!r} is not a skill with its level; write for example german=3, levels 1 to 10")
    return {match[1]: int(match[2]) for match in found.values() if match}


def _set(source: Source, name: str, state: Wish, reason: str, as_objects: bool) -> None:
    now = datetime.now(UTC)
    with source.opened() as queues:
        known = {agent.name: agent for agent in queues.scene().agents} if queues.is_there() else {}
        if name not in known:
            raise unknown(name)
        act = act_for(known[name], state)
        _show_one(known[name] if act is None else queues.agent_acts(name, act, now, reason), as_objects)


def _show_one(agent: Agent, as_objects: bool) -> None:
    if as_objects:
        typer.echo(json.dumps(as_json(agent), ensure_ascii=False, indent=2))
    else:
        _show([agent], as_objects)


def _show(found: Sequence[Agent], as_objects: bool) -> None:
    if as_objects:
        typer.echo(json.dumps([as_json(agent) for agent in found], ensure_ascii=False, indent=2))
    else:
        print_rows(_HEADINGS, [_row(agent) for agent in found], right={"calls"}, wrapped={"skills"})


def as_json(agent: Agent) -> dict[str, object]:
    """The fields of docs/queues.md."""
    return {
        "agent": agent.name,
        "sip": agent.sip,
        "skills": dict(agent.skills),
        "state": agent.state.value,
        "since": None if agent.since_at == NEVER else agent.since_at.isoformat(),
        "reason": agent.reason,
        "then": None if agent.then is None else agent.then.value,
        "queue": agent.queue,
        "calls_taken": agent.calls_taken,
    }


def _row(agent: Agent) -> tuple[str, ...]:
    why = f"{agent.then.value} then {agent.reason}".strip() if agent.then else agent.reason
    cells = (
        agent.name,
        agent.state.value.replace("_", " "),
        "-" if agent.since_at == NEVER else local(agent.since_at),
        why.replace("_", " ") or "-",
        agent.queue or "-",
        str(agent.calls_taken),
        _skills(agent.skills) or "-",
        agent.sip,
    )
    return tuple(printable(cell) for cell in cells)


def _skills(skills: Mapping[str, int]) -> str:
    return " ".join(f"{name}={level}" for name, level in sorted(skills.items()))
