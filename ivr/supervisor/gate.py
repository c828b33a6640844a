"""What the front is told of the workers, in the order in which it happened; nobody waits for it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import Any

import structlog

from ivr.config import Settings
from ivr.errors import IvrError
from ivr.front.kamailio import Front
from ivr.front.workers import WorkerAddress
from ivr.supervisor.fleet import Close, Open
from ivr.supervisor.neighbours import Heard, Neighbours
from ivr.supervisor.slots import Slots, name_of, port_of

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Refuse:
    """Let no worker have new calls, or let them have some again."""

    is_on: bool


class Gate:
    """The front of a bot of several workers."""

    def __init__(self, settings: Settings, slots: Slots) -> None:
        """Starts nothing. Other settings of the front, or of its address, take a new start of the bot."""
        self._front = Front(settings)
        self._settings, self._slots = settings, slots
        self._listed: dict[int, WorkerAddress] = {}
        self._news: asyncio.Queue[Open | Close | Refuse | Heard] = asyncio.Queue()
        self._neighbours = Neighbours(settings, self._front, self._news.put_nowait)
        self._telling: asyncio.Task[None] | None = None

    @property
    def uri(self) -> str:
        """Where callers reach the bot."""
        return self._front.public_uri

    async def start(self) -> None:
        """Raises IvrError: Kamailio is missing, an address is taken."""
        await self._front.start()
        self._telling = asyncio.create_task(self._tell())
        await self._neighbours.start()

    async def stop(self) -> None:
        """Idempotent."""
        await self._neighbours.stop()
        if self._telling is not None:
            self._telling.cancel()
        await self._front.stop()

    def tell(self, news: Open | Close | Refuse) -> None:
        """A worker takes calls, or takes none any more; or all of them."""
        self._news.put_nowait(news)

    async def settled(self) -> None:
        """Returns when it has been told everything."""
        await self._news.join()

    async def figures(self) -> dict[str, Any]:
        """What it counted."""
        try:
            counted = asdict(await self._front.figures())
        except IvrError as error:
            counted = {"problem": str(error)}
        own = {"is_up": self._front.is_up, "pid": self._front.pid, "restarts": self._front.restarts}
        return {**own, **counted, "nodes": self._neighbours.figures}

    async def _tell(self) -> None:
        while True:
            news = await self._news.get()
            try:
                await self._pass_on(news)
            except (IvrError, KeyError, ValueError, OSError) as error:
                # It keeps what it was told, and tells a Kamailio that was restarted.
                about = f"Heard {news.node}" if isinstance(news, Heard) else str(news)
                log.warning("front_not_told", news=about, reason=str(error))
            finally:
                self._news.task_done()

    async def _pass_on(self, news: Open | Close | Refuse | Heard) -> None:
        match news:
            case Open(slot):
                await self._open(slot)
            case Close():
                await self._close(news)
            case Refuse(is_on):
                self._neighbours.refuse(is_on)
                await self._front.refuse_new_calls(is_on)
            case Heard():
                await self._neighbours.take(news, list(self._listed.values()))

    async def _open(self, slot: int) -> None:
        name, port = name_of(slot), port_of(self._settings, slot)
        worker = self._listed[slot] = WorkerAddress(name, self._settings.workers.address, port, self._slots.legs)
        self._neighbours.opened(worker)
        await self._front.set_workers(self._neighbours.with_own(self._listed.values()))
        await self._front.mark_down(name)  # what the one before it carried is forgotten
        await self._front.restore(name)

    async def _close(self, close: Close) -> None:
        if close.slot not in self._listed:  # it died before it was open
            return
        self._neighbours.closed(name_of(close.slot))
        if close.is_dead:
            await self._front.mark_down(name_of(close.slot))
        else:
            await self._front.drain(name_of(close.slot))
