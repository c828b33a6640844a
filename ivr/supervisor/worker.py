"""A worker process: one bot, led by the supervisor. It has just been forked, and nothing of it runs yet.

    -> {"do": "drain"}      end with the last call      -> {"do": "reload"}     look at the flows
    -> {"do": "take", "from": 4711}                     take the flows that this nursery has prepared
    -> {"do": "monitor", …}                             `ivr.supervisor.monitoring`
    <- {"say": "ready", "uri": …, "legs": 4}            <- {"say": "failed", "reason": …}
    <- {"say": "beat", "calls": 1, "legs": 2, "sip_silent_s": 0.4, "counted": …, "figures": …}     every second

It ends with its channel: a bot without its supervisor says goodbye to its callers.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

import structlog

from ivr.app import Bot, Prepared
from ivr.config import Settings
from ivr.errors import IvrError
from ivr.logs import name_process
from ivr.measures.counters import Counters
from ivr.memory import settle
from ivr.ports import Recognizer
from ivr.supervisor.channel import LineChannel, Message
from ivr.supervisor.handover import Handover
from ivr.supervisor.monitoring import ask_worker

BEAT_S: Final = 1.0
STOP_LIMIT_S: Final = 12
"""A worker that cannot end in an orderly way is ended by the system."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker is made for."""

    name: str
    settings: Settings
    recognizer: Recognizer | None
    channel: socket.socket
    database: Path
    """Socket of the process that writes the records of all workers."""
    database_is_ready: bool
    prepared: Prepared | None
    """Flows and prompts, as they were when it was forked."""
    handover: Handover
    """Where later ones come from."""


def run(task: Task) -> int:
    """Answer calls until the supervisor ends it; the exit status."""
    counters = Counters()
    name_process(task.name, counters)
    try:
        asyncio.run(_Worker(task, counters).serve())
    except IvrError as error:
        sys.stderr.write(f"{task.name}: {error}\n")
        return 1
    return 0


class _Worker:
    def __init__(self, task: Task, counters: Counters) -> None:
        self._task, self._counters = task, counters
        self._bot: Bot | None = None
        self._stop = asyncio.Event()
        self._draining: asyncio.Task[None] | None = None
        self._channel: LineChannel | None = None

    async def serve(self) -> None:
        channel = self._channel = LineChannel(self._task.channel, self._told, self._abandoned)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._stop.set)
        settings, name = self._task.settings, self._task.name
        try:
            bot = self._bot = Bot(
                settings,
                self._say,
                measures=self._counters,
                recognizer=lambda *_: self._task.recognizer,
                worker=records_name(name),
                database=self._task.database,
                database_is_ready=self._task.database_is_ready,
                prepared=self._task.prepared,
            )
            try:
                await bot.start()
                settle()
                channel.send({"say": "ready", "uri": bot.sip_uri, "legs": bot.max_legs})
                await self._beats(bot, channel)
            finally:
                signal.alarm(STOP_LIMIT_S)
                await bot.stop()
        except IvrError as error:
            channel.send({"say": "failed", "reason": str(error)})
            raise
        finally:
            if self._draining is not None:
                self._draining.cancel()
            channel.close()

    async def _beats(self, bot: Bot, channel: LineChannel) -> None:
        while not self._stop.is_set():
            counted = bot.counted
            beat: Message = {
                "calls": bot.call_count,
                "legs": bot.leg_count,
                "sip_silent_s": round(bot.sip_silent_s, 2),
                "counted": [counted.ticks, counted.late_ticks, round(counted.cpu_s, 3)],
            }
            if talks := bot.talks:
                beat["talks"] = talks
            if self._task.settings.metrics.listen:
                beat["figures"] = self._counters.snapshot()
            channel.send({"say": "beat", **beat})
            try:
                await asyncio.wait_for(self._stop.wait(), BEAT_S)
            except TimeoutError:
                continue

    def _told(self, message: Message) -> None:
        match message:
            case {"do": "drain"}:
                self._drain()
            case {"do": "reload"}:
                self._reload()
            case {"do": "take", "from": int(nursery)}:
                self._take(nursery)
            case {"do": "monitor"} if self._bot is not None and self._channel is not None:
                ask_worker(self._bot.monitor, message, self._channel.send)
            case {"do": "stop"}:
                self._stop.set()

    def _drain(self) -> None:
        if self._draining is None and self._bot is not None:
            self._draining = asyncio.create_task(self._drained(self._bot))

    async def _drained(self, bot: Bot) -> None:
        await bot.drain()
        self._stop.set()

    def _reload(self) -> None:
        if self._bot is not None:
            self._bot.reload()

    def _take(self, nursery: int) -> None:
        """What our own nursery has prepared; after another one has, the flows are read here."""
        given = self._task.handover.read() if nursery == os.getppid() else None
        if given is None:
            self._reload()
        elif self._bot is not None:
            self._bot.take_over(given.flows, given.prompts)

    def _abandoned(self) -> None:
        log.warning("supervisor_gone", remedy="the calls of this worker are ended; start the bot again")
        self._stop.set()

    def _say(self, line: str) -> None:
        """What every worker would say alike has been said once already."""
        log.debug("worker_says", line=line)


def records_name(name: str) -> str:
    """What the worker is called in call records and among the processes of this machine."""
    return f"ivr-{name}"


def ignore_terminal() -> None:
    """Ctrl-C reaches every process of a terminal; the supervisor decides what comes of it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def leave(status: int) -> NoReturn:
    """End the forked process without the ends of what it was forked from."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
