"""Wires the queues of one worker to the database. Where the settings have no queue nothing of it is loaded; where they
have, all of it is, so that workers share what the process has that they are forked from.
"""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import Final

from ivr.calls.act_thread import ActThread
from ivr.calls.queue_clerk import QueueClerk
from ivr.config import Settings
from ivr.sip.telephony import SystemClock
from ivr.storage.address import parse_address
from ivr.storage.remote_queues import remote_queues

CLOSE_LIMIT_S: Final = 3.0
"""At the end the queues get so long to hear what became of the last calls; after that a lease tells them."""


class QueuesOfWorker:
    """The way to the queues, from start to stop."""

    def __init__(self, settings: Settings, database: Path | None) -> None:
        """`database`: socket of the process that several workers share. Raises StorageError for a wrong address."""
        self._rules, self._keep_days = settings.queues, settings.database.queue_events_keep_days
        self._queues = remote_queues(parse_address(settings.database.url), settings.queues, database)
        self._acts: ActThread | None = None

    def clerk(self, worker: str, loop: asyncio.AbstractEventLoop) -> QueueClerk:
        """What calls of this process ask; once, in the process that has the calls."""
        self._acts = ActThread("queues", loop.call_soon_threadsafe)
        owner = f"{worker}-{secrets.token_hex(4)}"
        return QueueClerk(self._queues, self._rules, owner, self._acts, SystemClock(), loop, self._keep_days)

    def close(self) -> None:
        """Tell what there is to tell, let go of the database. Blocks; idempotent."""
        if self._acts is not None:
            self._acts.close(CLOSE_LIMIT_S)
        self._queues.close()
