"""Video rooms for callers: takes one, sends the link to it, tells when somebody has joined, and when they have left."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import uuid4

import structlog

from ivr.config_video import VideoSettings
from ivr.errors import StorageError
from ivr.flow.jobs import LINK, AttendJob, GatherJob, JobOutcome, JobResult, Message, WebhookMessage
from ivr.ports import MessageService
from ivr.ports.video import ATTEND_EVERY_S, NewVisit, VideoVisits

_MOST_FAILURES: Final = 10
"""In a row: then nobody can say whether somebody joined."""

_Result = TypeVar("_Result")

log = structlog.get_logger(__name__)


class VideoRooms:
    """Implements `VideoService`. Runs on the loop's thread; the database is asked on others."""

    def __init__(
        self,
        rooms: Mapping[str, VideoSettings],
        visits: VideoVisits,
        messages: MessageService | None,
        desk_url: str,
        every_s: float = ATTEND_EVERY_S,
    ) -> None:
        """`desk_url`: where the pages are, for rooms that say nothing else."""
        self._rooms, self._visits, self._messages = rooms, visits, messages
        self._desk_url, self._every_s = desk_url, every_s
        self._closing: set[asyncio.Task[None]] = set()

    async def gather(self, job: GatherJob, call_id: str) -> JobResult:
        """A room, and whether somebody joined it in time."""
        rooms = self._rooms.get(job.room)
        if rooms is None:
            return JobResult(JobOutcome.FAILED, detail="nothing of the kind is in the settings")
        token, now = secrets.token_urlsafe(32), datetime.now(UTC)
        expires_at = now + timedelta(seconds=job.link_valid_s)
        numbers = tuple(rooms.numbers)
        wanted = NewVisit(uuid4().hex, call_id, job.room, numbers, hash_of(token), expires_at)
        has_joined = False
        try:
            number = await self._ask(lambda: self._visits.open(wanted, now))
            if number is None:
                return JobResult(JobOutcome.FAILED, detail="all rooms are in use")
            self._invite(job, f"{rooms.public_url or self._desk_url}/v/{token}", call_id)
            has_joined = await self._joined(wanted.visit, job.wait_for_s)
        except StorageError as error:
            log.error("video_without_database", call_id=call_id, reason=str(error))
            return JobResult(JobOutcome.FAILED, detail="rooms cannot be looked up")
        finally:
            if not has_joined:
                self._close(wanted.visit)
        place = {"visit": wanted.visit, "number": number}
        return JobResult(JobOutcome.DONE, place) if has_joined else JobResult(JobOutcome.TIMEOUT)

    async def attend(self, job: AttendJob, call_id: str) -> JobResult:
        """Returns when the others have left; ended before that, the caller has."""
        try:
            while True:
                if await self._present(job.visit, call_id) == 0:
                    return JobResult(JobOutcome.DONE)
                await asyncio.sleep(self._every_s)
        finally:
            self._close(job.visit)

    async def stop(self) -> None:
        """Finish what was begun."""
        if self._closing:
            await asyncio.wait(set(self._closing))

    def _invite(self, job: GatherJob, link: str, call_id: str) -> None:
        for message in job.invitations:
            if self._messages is None:
                log.error("send_not_configured", call_id=call_id)
            else:
                self._messages.post(_with_link(message, link), call_id)

    async def _joined(self, visit: str, wait_for_s: float) -> bool:
        loop, failures = asyncio.get_running_loop(), 0
        ends_s = loop.time() + wait_for_s
        while loop.time() < ends_s:
            try:
                if (await self._attended(visit)) > 0:
                    return True
                failures = 0
            except StorageError:
                failures += 1
                if failures >= _MOST_FAILURES:
                    raise
            await asyncio.sleep(min(self._every_s, max(0.0, ends_s - loop.time())))
        return False

    async def _present(self, visit: str, call_id: str) -> int | None:
        """How many; None where that is not known, and a talk is better not ended."""
        try:
            return await self._attended(visit)
        except StorageError as error:
            log.warning("video_without_database", call_id=call_id, reason=str(error))
            return None

    async def _attended(self, visit: str) -> int:
        found = await self._ask(lambda: self._visits.attend(visit, datetime.now(UTC)))
        return found.present

    def _close(self, visit: str) -> None:
        """In a task of its own: whoever waited may be gone."""
        task = asyncio.ensure_future(self._closed(visit))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _closed(self, visit: str) -> None:
        try:
            await self._ask(lambda: self._visits.close(visit, datetime.now(UTC)))
        except StorageError as error:
            log.warning("video_not_closed", reason=str(error), remedy="the room is free in a moment by itself")

    @staticmethod
    async def _ask(act: Callable[[], _Result]) -> _Result:
        return await asyncio.to_thread(act)


def hash_of(token: str) -> str:
    """What is kept of a link's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _with_link(message: Message, link: str) -> Message:
    if isinstance(message, WebhookMessage):
        return replace(message, data=_put(message.data, link))
    return replace(message, text=message.text.replace(LINK, link))


def _put(value: Any, link: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _put(each, link) for key, each in value.items()}
    return value.replace(LINK, link) if isinstance(value, str) else value
