"""`ivr queues`: who waits, who serves, and how well it goes today."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import typer

from ivr.acd.overview import queues_as_json
from ivr.cli.columns import print_rows
from ivr.cli.queue_store import ConfigOption, DatabaseOption, JsonOption, Source, run
from ivr.ports.queues import QueueScene

_HEADINGS = (
    "queue",
    "waiting",
    "ringing",
    "talking",
    "longest",
    "agents",
    "answered",
    "abandoned",
    "level",
    "wait",
    "handle",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("queues")(queues)


def queues(as_objects: JsonOption = False, config: ConfigOption = None, database: DatabaseOption = None) -> None:
    """Show every queue: who waits, who serves it, and its figures of today."""
    run(lambda: _show(Source(config, database), as_objects))


def _show(source: Source, as_objects: bool) -> None:
    now = datetime.now(UTC)
    midnight = now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    with source.opened() as opened:
        is_there = opened.is_there()
        scene = opened.scene() if is_there else QueueScene((), ())
        events = opened.events(midnight) if is_there else []
    found = queues_as_json(source.settings().queues, scene.agents, scene.calls, events, midnight, now)
    if as_objects:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
    elif not found:
        typer.echo("no queues; write some under `queues:` in the settings (docs/configuration.md)")
    else:
        print_rows(_HEADINGS, [_row(queue) for queue in found], right=set(_HEADINGS[1:]))


def _row(queue: dict[str, object]) -> tuple[str, ...]:
    today, agents = queue["today"], queue["agents"]
    assert isinstance(today, dict) and isinstance(agents, dict)
    working = sum(count for state, count in agents.items() if state not in ("logged_out", "paused"))
    return (
        *(str(queue[name]) for name in ("queue", "waiting", "ringing", "talking")),
        _seconds(queue["longest_wait_s"]),
        f"{agents.get('available', 0)} of {working} free",
        *(str(today[name]) for name in ("answered", "abandoned")),
        "-" if today["service_level"] is None else f"{today['service_level']:.0%}",
        *(_seconds(today[name]) for name in ("average_speed_of_answer_s", "handle_time_s")),
    )


def _seconds(value: object) -> str:
    return f"{value:.0f} s" if isinstance(value, float) else "-"
