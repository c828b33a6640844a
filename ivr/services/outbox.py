"""Delivers messages sooner or later: each is safe on disk first, and tried until it is taken or given up."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import structlog

from ivr.flow.jobs import Message
from ivr.services.delivery import DeliveryFailed, Letter, from_bytes, to_bytes
from ivr.services.outbox_files import OutboxFiles, is_waiting

PAUSES_S: Final = (1.0, 5.0, 30.0, 120.0, 600.0, 900.0)
"""Between tries; the last repeats. Each is up to a fifth longer by chance, so that not all come at once."""
AT_ONCE: Final = 4
"""Deliveries in progress at one time."""

MOST_IN_MEMORY: Final = 1000
"""Where the disk takes no message, further ones are dropped beyond so many that wait."""

log = structlog.get_logger(__name__)


class Outbox:
    """Messages of one process. Runs on the loop's thread."""

    def __init__(
        self,
        root: Path,
        deliver: Callable[[Letter], Awaitable[None]],
        *,
        limit_bytes: int,
        give_up_after_s: float,
        pauses_s: tuple[float, ...] = PAUSES_S,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """`deliver` raises DeliveryFailed. The folder is made with the first message."""
        self._root, self._deliver = root, deliver
        self._limit_bytes, self._give_up_after_s = limit_bytes, give_up_after_s
        self._pauses_s, self._now_s = pauses_s, now_s
        self._files: OutboxFiles | None = None
        self._opening = asyncio.Lock()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._writing: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """How many messages are not delivered yet."""
        return len(self._tasks) + len(self._writing)

    async def start(self) -> None:
        """Go on with what an earlier process left."""
        if await asyncio.to_thread(is_waiting, self._root):
            await self._open()

    def post(self, message: Message, call_id: str) -> None:
        """Take a message. Returns at once, never raises."""
        task = asyncio.ensure_future(self._take(Letter(uuid.uuid4().hex, message, call_id, self._now_s())))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def stop(self) -> None:
        """Stop delivering; what is not delivered waits on disk. Idempotent."""
        if self._writing:
            await asyncio.wait(self._writing)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        files, self._files = self._files, None
        if files is not None:
            await asyncio.to_thread(files.close)

    @property
    def waiting_count(self) -> int:
        """Messages that are not delivered yet."""
        return len(self._tasks) + len(self._writing)

    async def _open(self) -> OutboxFiles | None:
        async with self._opening:
            if self._files is None:
                try:
                    self._files = await asyncio.to_thread(OutboxFiles, self._root, self._limit_bytes)
                    found = await asyncio.to_thread(self._files.read_all)
                except OSError as error:
                    log.error("outbox_unusable", folder=str(self._root), reason=str(error))
                    return None
                for letter_id, content in found.items():
                    self._resume(letter_id, content)
        return self._files

    def _resume(self, letter_id: str, content: bytes) -> None:
        try:
            self._begin(from_bytes(letter_id, content))
        except ValueError:
            log.error("outbox_unreadable", letter=letter_id)

    async def _take(self, letter: Letter) -> None:
        files = await self._open()
        try:
            if files is not None:
                await asyncio.to_thread(files.write, letter.id, to_bytes(letter))
        except OSError as error:
            log.error("outbox_not_written", letter=letter.id, reason=str(error))
            files = None
        if files is None and len(self._tasks) >= MOST_IN_MEMORY:
            log.error("message_dropped", letter=letter.id, kind=letter.kind, call_id=letter.call_id)
            return
        self._begin(letter)  # better delivered from memory than not at all

    def _begin(self, letter: Letter) -> None:
        task = asyncio.ensure_future(self._carry(letter))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, letter: Letter) -> None:
        tries = 0
        while not await self._try(letter):
            pause_s = self._pauses_s[min(tries, len(self._pauses_s) - 1)]
            tries += 1
            await asyncio.sleep(pause_s * random.uniform(1.0, 1.2))

    async def _try(self, letter: Letter) -> bool:
        """Whether there is nothing more to do."""
        about = {"letter": letter.id, "kind": letter.kind, "call_id": letter.call_id}
        try:
            async with self._slots:
                await self._deliver(letter)
        except DeliveryFailed as error:
            is_late = self._now_s() - letter.written_at_s >= self._give_up_after_s
            if not (error.is_final or is_late):
                log.warning("message_delayed", reason=str(error), **about)
                return False
            log.error("message_given_up", reason=str(error), **about)
            await self._settle(lambda files: files.put_aside(letter.id))
            return True
        except Exception:
            log.exception("message_failed", **about)
            await self._settle(lambda files: files.put_aside(letter.id))
            return True
        log.info("message_delivered", **about)
        await self._settle(lambda files: files.remove(letter.id))
        return True

    async def _settle(self, what: Callable[[OutboxFiles], None]) -> None:
        if self._files is not None:
            with contextlib.suppress(OSError):
                await asyncio.shield(asyncio.to_thread(what, self._files))
