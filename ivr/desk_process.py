"""The process of the desk: wires its pages to the database, the flows and the bot that started it.

Its standard input is the channel to the bot (`ivr.supervisor.desk` says what goes over it); it ends with that. Its
argument is the number of the listening socket.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import structlog

from ivr.calls.monitoring import MonitorWish
from ivr.config import Settings
from ivr.errors import IvrError, StorageError
from ivr.logs import configure_logs
from ivr.ports.desk import BotStatus, FlowLine, FlowsShown
from ivr.ports.people import FIRST_USER, People, Role, User
from ivr.settings import load_settings
from ivr.storage.people import PeopleRepository
from ivr.storage.queues import DatabaseQueues
from ivr.storage.shown_calls import ShownCalls
from ivr.storage.video import DatabaseVideo
from ivr.supervisor.channel import LineChannel, Message
from ivr.supervisor.monitoring import request_of
from ivr.web.app import make_app
from ivr.web.board import Board
from ivr.web.desk import Desk
from ivr.web.floor import FloorView
from ivr.web.passwords import hashed, new_password
from ivr.web.serving import serve

if TYPE_CHECKING:
    from ivr.publishing.overview import Overview

_NICENESS: Final = 10
"""A page can wait for the processor; the audio of a call cannot."""
STATUS_LIMIT_S: Final = 2.0
RINGS_AFTER_S: Final = 3.0
"""What prevents it is known by then: the page does not wait for the telephone."""
TRY_AGAIN_S: Final = 5.0
PROBLEMS_SHOWN: Final = 500

log = structlog.get_logger(__name__)


class BotOverChannel:
    """The bot that started this process."""

    def __init__(self) -> None:
        """`channel` has to be set before it is asked."""
        self.channel: LineChannel | None = None
        self.begun: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        """What the bot says first."""
        self.gone = asyncio.Event()
        self._waiting: list[asyncio.Future[Message]] = []
        self._monitoring: dict[int, asyncio.Future[str]] = {}
        self._count = 0

    def heard(self, message: Message) -> None:
        """Take what the bot says."""
        match message.get("say"):
            case "begin" if not self.begun.done():
                self.begun.set_result(message)
            case "monitored":
                answer = self._monitoring.pop(message["id"], None)
                if answer is not None and not answer.done():
                    answer.set_result(str(message["reason"]))
            case "status":
                waiting, self._waiting = self._waiting, []
                for each in waiting:
                    if not each.done():
                        each.set_result(message)

    def ended(self) -> None:
        """The bot is gone."""
        self.gone.set()
        self.begun.cancel()

    def say(self, line: str) -> None:
        """Have the bot print something."""
        if self.channel is not None:
            self.channel.send({"say": "line", "text": line})

    async def status(self) -> BotStatus | None:
        """None where it gives no answer in time."""
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        if self.channel is None or not self.channel.send({"do": "status"}):
            return None
        try:
            return _status(await asyncio.wait_for(answer, STATUS_LIMIT_S))
        except (TimeoutError, KeyError, ValueError):
            return None

    async def monitor(self, call_id: str, wish: MonitorWish) -> str | None:
        """Why not, empty where it is so; None where that is not known soon, because the telephone rings."""
        self._count = number = self._count + 1
        answer = self._monitoring[number] = asyncio.get_running_loop().create_future()
        if self.channel is None or not self.channel.send({**request_of(call_id, wish), "id": number}):
            return "the bot gives no answer"
        try:
            return await asyncio.wait_for(answer, RINGS_AFTER_S)
        except TimeoutError:
            return None
        finally:
            self._monitoring.pop(number, None)


def _status(told: dict[str, Any]) -> BotStatus:
    since = datetime.fromisoformat(told["since"])
    return BotStatus(
        bool(told["is_up"]),
        int(told["calls"]),
        int(told["capacity"]),
        since,
        str(told["problem"]),
        frozenset(told.get("talks", ())),
    )


class FlowsOfSettings:
    """The flows as `ivr flows` shows them. What reads and checks flows is loaded with the first look: it takes a third
    of the start.
    """

    def __init__(self, settings: Settings) -> None:
        """Reads nothing yet."""
        self._settings = settings

    def shown(self) -> FlowsShown:
        """As the running workers say."""
        from ivr.check_context import check_in, surroundings_of
        from ivr.publishing.desk import Desk as PublishingDesk
        from ivr.publishing.overview import overview

        try:
            return _shown(overview(PublishingDesk(self._settings, check_in(surroundings_of(self._settings)))))
        except IvrError as error:
            return FlowsShown((), (), str(error))


def _shown(found: Overview) -> FlowsShown:
    lines = [FlowLine(row.name, row.version, row.since, row.who, row.newer, row.problems) for row in found.rows]
    return FlowsShown(tuple(lines), found.problems[:PROBLEMS_SHOWN])


def main() -> None:
    """Serve until the bot ends, or nobody has looked for a while."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # told to all processes of a bot; this one ends with its channel
    with suppress(OSError):
        os.nice(_NICENESS)
    asyncio.run(_serve(socket.socket(fileno=int(sys.argv[1])), socket.socket(fileno=os.dup(0))))


async def _serve(listener: socket.socket, line: socket.socket) -> None:
    bot = BotOverChannel()
    bot.channel = LineChannel(line, bot.heard, bot.ended)
    begin = await bot.begun
    config = begin["config"]
    settings = load_settings(Path(config) if config else None, overrides=begin["overrides"])
    configure_logs(settings.log, "desk")
    desk = _desk(settings, bot)
    first = asyncio.create_task(_make_first_user(desk.people, bot))
    try:
        await serve(make_app(desk), desk, listener, bot.gone)
    finally:
        first.cancel()
        bot.channel.close()


def _desk(settings: Settings, bot: BotOverChannel) -> Desk:
    url = settings.database.url
    calls = ShownCalls(url)
    door = DatabaseVideo(url) if settings.video else None
    floor = FloorView(DatabaseQueues(url, settings.queues), settings.queues, _now, door)
    zone = ZoneInfo(settings.timezone) if settings.timezone else None
    return Desk(
        settings=settings.web,
        people=PeopleRepository(url),
        bot=bot,
        calls=calls,
        flows=FlowsOfSettings(settings),
        floor=floor,
        board=Board(bot, calls, floor, _now, zone),
        now=_now,
        zone=zone,
        rooms=settings.video,
        door=door,
        may_monitor=settings.monitoring.allowed,
    )


async def _make_first_user(people: People, bot: BotOverChannel) -> None:
    """Where nobody may log in yet, somebody may from now on; tried until the database is there."""
    while True:
        try:
            if password := await asyncio.to_thread(_first_password, people):
                bot.say(f"desk: first login: {FIRST_USER}, password: {password}")
                bot.say(f"desk: this is shown once; another one: ivr users password {FIRST_USER}")
            return
        except StorageError as error:
            log.error("desk_without_users", reason=str(error), remedy="it is tried again")
            await asyncio.sleep(TRY_AGAIN_S)


def _first_password(people: People) -> str:
    """Empty where there is somebody already."""
    if people.users():
        return ""
    password = new_password()
    first = User(FIRST_USER, Role.OPERATOR, "", _now())
    return password if people.add_first(first, hashed(password)) else ""


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    main()
