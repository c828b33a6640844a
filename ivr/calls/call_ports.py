"""What every call of a worker shares, and the tasks that one call has running."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import structlog

from ivr.calls.jobs import Services
from ivr.calls.monitoring import MonitorRules
from ivr.calls.timers import Timers
from ivr.calls.transfer_driver import TransferTarget
from ivr.ports import Clock, Measures, NoMeasures, PromptStore, Recognizer, Recorder, Telephony

if TYPE_CHECKING:
    from ivr.calls.queue_clerk import QueueClerk


@dataclass(frozen=True)
class CallPorts:
    """The world, as a call sees it."""

    telephony: Telephony
    recognizer: Recognizer | None
    prompts: PromptStore
    clock: Clock
    timers: Timers
    call_soon: Callable[[Callable[[], None]], object]
    """Runs a callback on the loop's thread; may be called from any thread."""
    targets: Mapping[str, TransferTarget]
    hold_sound: Path
    lead_in_s: float
    services: Services = field(default_factory=Services)
    recorder: Recorder | None = None
    measures: Measures = field(default_factory=NoMeasures)
    monitoring: MonitorRules = field(default_factory=MonitorRules)
    timezone: str = ""
    """Time zone of callers; the machine's when empty."""

    queueing: QueueClerk | None = None
    """Way to the queues; None where the settings have none."""

    longest_call_s: float = 0.0
    """A call that the bot leads takes no longer; 0 is no limit."""

    def local_now(self) -> datetime:
        """What callers' clocks show."""
        return self.clock.now().astimezone(ZoneInfo(self.timezone) if self.timezone else None)


class CallTasks:
    """Coroutines of one call; a mistake in one is reported, and all end with the call."""

    def __init__(self, call_id: str, failed: Callable[[], None]) -> None:
        """`failed` is called inside the handler of the exception."""
        self._call_id, self._failed = call_id, failed
        self._running: set[asyncio.Task[None]] = set()

    def start(self, coroutine: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run a coroutine."""
        task: asyncio.Task[None] = asyncio.ensure_future(self._run(coroutine))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        task.add_done_callback(lambda _: coroutine.close())  # one that was ended before it began is never awaited
        return task

    async def _run(self, coroutine: Coroutine[None, None, None]) -> None:
        structlog.contextvars.bind_contextvars(call_id=self._call_id)  # of this task only
        try:
            await coroutine
        except Exception:
            self._failed()

    def cancel(self) -> None:
        """End all."""
        for task in self._running:
            task.cancel()
