"""Wires the services beyond the call to their adapters. Those that the settings do not mention are not even loaded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ivr.calls.jobs import Services
from ivr.config import Settings
from ivr.flow.model import Flow
from ivr.late_messenger import LateMessenger
from ivr.ports import LegId, MessageRequest
from ivr.storage.address import parse_address

if TYPE_CHECKING:
    from ivr.services.data import HttpDataService
    from ivr.services.messenger import Messenger
    from ivr.services.video import VideoRooms
    from ivr.storage.remote_video import RemoteVideo

SENDING: Final = frozenset({"send", "video"})
"""Kinds of steps that send something."""
KEPT_LIMIT_S: Final = 3.0
"""Requests that go on after their calls get so long at the end."""


class ServicesOfWorker:
    """The services of one worker, from start to stop."""

    def __init__(
        self,
        settings: Settings,
        send_message: Callable[[MessageRequest, Callable[[int, str], None]], None],
        database: Path | None = None,
        leg_of: Callable[[str], LegId | None] = lambda call_id: None,
    ):
        """`database`: socket of the process that several workers share; `leg_of`: the caller's leg of a call. Raises
        ConfigError for a calendar that cannot be used, StorageError for a wrong address of a database."""
        self._data: HttpDataService | None = None
        calendars = None
        if settings.requests.hosts:
            from ivr.services.data import HttpDataService

            self._data = HttpDataService(settings.requests, settings.proxy)

        def make() -> Messenger:
            from ivr.services.messenger import Messenger

            recordings = Path(settings.recordings.dir)
            return Messenger(settings.send, settings.targets, send_message, recordings, settings.proxy, leg_of)

        self._messenger = LateMessenger(make, Path(settings.send.outbox_dir))
        if settings.calendars:
            from ivr.services.hours import HoursService

            calendars = HoursService(settings.calendars, Path(settings.hours_dir))
        self._video: VideoRooms | None = None
        self._visits: RemoteVideo | None = None
        if settings.video:
            from ivr.services.video import VideoRooms
            from ivr.storage.remote_video import remote_video

            self._visits = remote_video(parse_address(settings.database.url), database)
            self._video = VideoRooms(settings.video, self._visits, self._messenger, settings.web.url)
        self.services = Services(self._data, self._messenger, calendars, self._video)

    @property
    def messages_waiting(self) -> int:
        """How many messages are not delivered yet."""
        return self._messenger.waiting

    async def load(self, flows: Iterable[Flow]) -> None:
        """Load what `start` would load, and touch no message: for the processes that are forked from this one."""
        kinds = _kinds_of(flows)
        if kinds & SENDING:
            await self._messenger.load()
        if self._data is not None and "request" in kinds:
            await self._data.warm_up()

    async def start(self, flows: Iterable[Flow], *, are_loaded: bool = False) -> None:
        """Go on with messages that wait; have ready what the flows will ask with.

        `are_loaded`: by `load`, before this process was forked; what is left to be made takes the first caller 1 ms.
        """
        kinds = set() if are_loaded else _kinds_of(flows)
        await self._messenger.start(will_send=bool(kinds & SENDING))
        if self._data is not None and "request" in kinds:
            await self._data.warm_up()

    async def stop(self) -> None:
        """Finish what was promised, close the rest."""
        if kept := set(self.services.kept):
            await asyncio.wait(kept, timeout=KEPT_LIMIT_S)
            for task in kept:
                task.cancel()
        if self._video is not None:
            await self._video.stop()
        if self._visits is not None:
            await asyncio.to_thread(self._visits.end)
        await self._messenger.stop()
        if self._data is not None:
            await self._data.close()


def _kinds_of(flows: Iterable[Flow]) -> set[str]:
    return {step.action for flow in flows for step in flow.steps.values()}
