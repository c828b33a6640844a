"""Sending, loaded when something is sent: what it needs takes 3 MB, and most bots with transfer targets never do."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ivr.flow.jobs import JobResult, Message
from ivr.flows import files_below

if TYPE_CHECKING:
    from ivr.services.messenger import Messenger

MODULE: Final = "ivr.services.messenger"


class LateMessenger:
    """A `MessageService` that becomes one with the first message. Runs on the loop's thread."""

    def __init__(self, make: Callable[[], Messenger], outbox: Path) -> None:
        """`make` imports `MODULE`, which by then is loaded; `outbox` is where messages of earlier runs may wait."""
        self._make, self._outbox = make, outbox
        self._messenger: Messenger | None = None
        self._loading: asyncio.Task[Messenger] | None = None
        self._posted: list[tuple[Message, str]] = []
        """Messages that came while it was loaded."""

    @property
    def is_loaded(self) -> bool:
        """Whether it can send without a delay."""
        return self._messenger is not None

    @property
    def waiting(self) -> int:
        """How many messages are not delivered yet."""
        return len(self._posted) + (self._messenger.waiting if self._messenger else 0)

    async def start(self, *, will_send: bool) -> None:
        """Be ready where a flow sends something, or where messages of an earlier run wait."""
        # Without `glob`: every worker would compile its pattern.
        if will_send or any(entry.name.endswith(".json") for entry in files_below(str(self._outbox))):
            await self._loaded()

    @staticmethod
    async def load() -> None:
        """Load what sending takes, off the loop; nothing is sent."""
        await asyncio.to_thread(importlib.import_module, MODULE)  # half a second, in which calls go on

    async def stop(self) -> None:
        """What is not delivered waits for the next start."""
        if self._loading is not None:
            await (await self._loading).stop()

    def post(self, message: Message, call_id: str) -> None:
        """Deliver it sooner or later."""
        if self._messenger is not None:
            self._messenger.post(message, call_id)
            return
        self._posted.append((message, call_id))
        self._load()

    async def deliver(self, message: Message, call_id: str, timeout_s: float) -> JobResult:
        """Deliver it now or not at all."""
        messenger = await self._loaded()
        return await messenger.deliver(message, call_id, timeout_s)

    async def _loaded(self) -> Messenger:
        return await asyncio.shield(self._load())  # one caller who leaves must not stop it for the others

    def _load(self) -> asyncio.Task[Messenger]:
        if self._loading is None:
            self._loading = asyncio.ensure_future(self._started())
        return self._loading

    async def _started(self) -> Messenger:
        await self.load()
        messenger = self._make()
        await messenger.start()
        self._messenger = messenger
        for message, call_id in self._posted:
            messenger.post(message, call_id)
        self._posted.clear()
        return messenger
