"""`ivr hours`: what the calendars say now, and the switch that closes or opens one by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ivr.cli.common import ConfigOption, told
from ivr.errors import ConfigError
from ivr.flow.calendar import Hours, HoursState, Switch
from ivr.model_errors import did_you_mean
from ivr.settings import load_settings

if TYPE_CHECKING:
    from ivr.services.hours import HoursService

NameArgument = Annotated[str, typer.Argument(metavar="CALENDAR", help="Its name under calendars: of the settings.")]
UntilOption = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", help='"18:00" or "2026-12-24 18:00", in the calendar\'s time zone.'),
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Flows see it as hours.reason.")]

_SHOWN_STATES = {HoursState.EMERGENCY: "closed by hand", HoursState.HOLIDAY: "closed, holiday"}


def register(app: typer.Typer) -> None:
    """Add the command and its sub-commands."""
    group = typer.Typer(invoke_without_command=True, add_completion=False)
    group.callback()(show)
    group.command("close")(close)
    group.command("open")(open_)
    app.add_typer(group, name="hours")


def show(
    context: typer.Context,
    as_objects: Annotated[bool, typer.Option("--json", help="JSON for programs.")] = False,
    config: ConfigOption = None,
) -> None:
    """Show what every calendar says now, and when that changes; `close` and `open` decide by hand."""
    context.obj = config
    if context.invoked_subcommand is None:
        _run(lambda: _show(config, as_objects))


def close(
    context: typer.Context,
    name: NameArgument,
    until: UntilOption = None,
    reason: ReasonOption = "",
    config: ConfigOption = None,
) -> None:
    """Close at once, for calls in progress too, until a time or until `ivr hours open CALENDAR`."""
    _run(lambda: _throw(config or context.obj, name, until, reason, is_open=False))


def open_(context: typer.Context, name: NameArgument, until: UntilOption = None, config: ConfigOption = None) -> None:
    """Take a closing by hand back; with --until, be open until then, whatever the calendar says."""
    _run(lambda: _throw(config or context.obj, name, until, "", is_open=True))


def _run(command: Callable[[], None]) -> None:
    with told(OSError):
        command()


def _service(config: Path | None) -> HoursService:
    from ivr.services.hours import HoursService

    settings = load_settings(config)
    if not settings.calendars:
        raise ConfigError(
            "there are no calendars in the settings; add one under calendars: (see docs/configuration.md)"
        )
    return HoursService(settings.calendars, Path(settings.hours_dir))


def _show(config: Path | None, as_objects: bool) -> None:
    service = _service(config)
    states = {name: service.state_of(name) for name in service.names}
    if as_objects:
        typer.echo(json.dumps({name: hours.variables() for name, hours in states.items()}, indent=2))
        return
    for name, hours in states.items():
        typer.echo(f"{name}: {described(hours, datetime.now(UTC))}")


def described(hours: Hours, now: datetime) -> str:
    """`open until 18:00`, `closed by hand (burst pipe), opens Tue 3 Mar 09:00`."""
    state = _SHOWN_STATES.get(hours.state, str(hours.state))
    reason = f" ({hours.reason})" if hours.reason else ""
    if hours.state is HoursState.OPEN:
        return f"open{reason}" + (f" until {_moment(hours.closes, now)}" if hours.closes else "")
    if hours.next_open is not None:
        return f"{state}{reason}, opens {_moment(hours.next_open, now)}"
    return f"{state}{reason}" + (", until `ivr hours open`" if hours.state is HoursState.EMERGENCY else "")


def _moment(instant: datetime, now: datetime) -> str:
    is_today = instant.date() == now.astimezone(instant.tzinfo).date()
    return f"{instant:%H:%M}" if is_today else f"{instant:%a} {instant.day} {instant:%b %H:%M}"


def _throw(config: Path | None, name: str, until: str | None, reason: str, *, is_open: bool) -> None:
    service = _service(config)
    if name not in service.names:
        raise ConfigError(f"there is no calendar '{name}'; {did_you_mean(name, service.names)}")
    if is_open and until is None:
        service.take_back(name)
    else:
        end = instant_of(until, service.zone_of(name), datetime.now(UTC)) if until else None
        service.throw(name, Switch(is_open, end, reason))
    typer.echo(f"{name}: {described(service.state_of(name), datetime.now(UTC))}")


def instant_of(text: str, zone: tzinfo, now: datetime) -> datetime:
    """The instant (UTC) of "18:00" (the next one) or "2026-12-24 18:00" in a zone. Raises ConfigError."""
    try:
        if ":" in text and "-" not in text:
            today = now.astimezone(zone).date()
            found = datetime.combine(today, time.fromisoformat(text.strip().zfill(5)), zone)
            if found <= now:
                found = datetime.combine(today + timedelta(days=1), found.time(), zone)
        else:
            found = datetime.fromisoformat(text.strip())
            found = found if found.tzinfo else found.replace(tzinfo=zone)
    except ValueError as error:
        raise ConfigError(f'{text!r} is not a time; write --until "18:00" or --until "2026-12-24 18:00"') from error
    if found <= now:
        raise ConfigError(f"{text!r} is over already; write a time to come")
    return found.astimezone(UTC)
