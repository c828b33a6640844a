"""The process of a bot under test: `ivr serve`, except that its calls find the world of their conversations.

Nothing that a settings file can say leads here. Settings and folder come by standard input, and the process ends with
it. Once calls are accepted it prints `ready PORT LEGS`.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import sys
from functools import partial
from pathlib import Path

from ivr.app import Bot
from ivr.app_services import ServicesOfWorker
from ivr.cli.rehearsing import calendars_of
from ivr.config import Settings
from ivr.errors import IvrError
from ivr.live_test.arranged_driver import ArrangedDriver, Stage
from ivr.live_test.arrangement import Desk
from ivr.live_test.bot import Order
from ivr.logs import configure_logs


def main() -> None:
    """Answer calls until SIGTERM or the end of standard input."""
    order = pickle.load(sys.stdin.buffer)
    assert isinstance(order, Order)
    configure_logs(order.settings.log)
    try:
        asyncio.run(_serve(order))
    except IvrError as error:
        sys.exit(str(error))


async def _serve(order: Order) -> None:
    settings, stop = order.settings, asyncio.Event()
    stage = Stage(Desk(order.folder), Path(settings.recordings.dir), calendars_of(settings))
    none = ServicesOfWorker(Settings(), lambda request, done: None)
    bot = Bot(settings, _say, services=none, make_driver=partial(ArrangedDriver, stage))
    _follow(stop)
    try:
        await bot.start()
        _say(f"ready {bot.sip_uri.rpartition(':')[2].partition(';')[0]} {bot.max_legs}")
        await stop.wait()
    finally:
        await bot.stop()


def _follow(stop: asyncio.Event) -> None:
    loop, standard_input = asyncio.get_running_loop(), sys.stdin.fileno()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def readable() -> None:
        if not os.read(standard_input, 4096):
            loop.remove_reader(standard_input)
            stop.set()

    loop.add_reader(standard_input, readable)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
