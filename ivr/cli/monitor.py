"""`ivr monitor`: a supervisor listens to a talk, whispers into it, or joins it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ivr.acd.agent import unknown
from ivr.calls.monitoring import NOT_ALLOWED, MonitorWish, Participation
from ivr.cli.queue_store import ConfigOption, DatabaseOption, Source, run
from ivr.errors import ConfigError
from ivr.supervisor.control import ask
from ivr.supervisor.monitoring import ANSWER_LIMIT_S, request_of

if TYPE_CHECKING:
    from ivr.config import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("monitor")(monitor)


def monitor(
    call_id: Annotated[str, typer.Argument(metavar="CALL_ID", help="Of a call in progress: `ivr calls`.")],
    supervisor: Annotated[
        str, typer.Option("--as", metavar="NAME", help="The agent (`ivr agents`) whose telephone is called.")
    ],
    mode: Annotated[
        Participation, typer.Option("--mode", help="whisper: the person hears you, the caller does not; join: both do.")
    ] = Participation.LISTEN,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Call a supervisor's telephone and let it take part in a talk; once more with another --mode changes how.

    Ends when the supervisor hangs up, or with the talk. Returns when the supervisor has answered.
    """
    run(lambda: _monitor(Source(config, database), call_id, supervisor, mode))


def _monitor(source: Source, call_id: str, supervisor: str, mode: Participation) -> None:
    settings: Settings = source.settings()
    if not settings.monitoring.allowed:
        raise ConfigError(NOT_ALLOWED)
    wish = MonitorWish(supervisor, _telephone_of(source, supervisor), mode)
    answer = ask(Path(settings.workers.run_dir), request_of(call_id, wish), ANSWER_LIMIT_S)
    sys.stdout.write(f"{answer['who']} takes part in {call_id}: {answer['how']}\n")


def _telephone_of(source: Source, name: str) -> str:
    with source.opened() as queues:
        known = {agent.name: agent for agent in queues.scene().agents} if queues.is_there() else {}
    if name not in known:
        raise unknown(name)
    return known[name].sip
