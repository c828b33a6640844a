"""Callers who wait in a room: the link goes out, somebody joins or nobody does, the room is given back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from ivr.config_video import VideoSettings
from ivr.errors import StorageError
from ivr.flow.jobs import AttendJob, GatherJob, JobOutcome, JobResult, MailMessage, SipMessage, WebhookMessage
from ivr.ports.video import Attendance, NewVisit
from ivr.services.video import VideoRooms, hash_of
from ivr.testing.services import MemoryMessages

ROOMS = VideoSettings.model_validate(
    {
        "rooms": "500-501",
        "sip": "sip:{room}@pbx.example.org",
        "websocket": "wss://pbx.example.org/ws",
        "domain": "pbx.example.org",
        "guest": {"username": "guest", "password": "guest-secret"},
    }
)


@dataclass
class ScriptedVisits:
    """`VideoVisits` whose numbers of those present are told one after the other; the last one repeats."""

    present: list[int | None] = field(default_factory=lambda: [0])
    """None: the database is away."""
    number: int | None = 500
    opened: list[NewVisit] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    is_open: threading.Event = field(default_factory=threading.Event)

    def open(self, wanted: NewVisit, now: datetime) -> int | None:
        self.opened.append(wanted)
        self.is_open.set()
        return self.number

    def attend(self, visit: str, now: datetime) -> Attendance:
        present = self.present.pop(0) if len(self.present) > 1 else self.present[0]
        if present is None:
            raise StorageError("away")
        return Attendance(present, present)

    def close(self, visit: str, now: datetime) -> None:
        self.closed.append(visit)


def run(
    visits: ScriptedVisits, act: Callable[[VideoRooms], object], messages: MemoryMessages | None = None
) -> JobResult:
    async def whole() -> JobResult:
        rooms = VideoRooms({"support": ROOMS}, visits, messages, "https://desk.example.org", every_s=0.001)
        result = await act(rooms)  # type: ignore[misc]
        await rooms.stop()
        assert isinstance(result, JobResult)
        return result

    return asyncio.run(whole())


def gather(room: str = "support", wait_for_s: float = 5.0, *invitations: object) -> Callable[[VideoRooms], object]:
    job = GatherJob(room, tuple(invitations), wait_for_s, 60.0)  # type: ignore[arg-type]
    return lambda rooms: rooms.gather(job, "call")


def test_the_link_goes_to_everybody_and_only_its_hash_is_kept() -> None:
    visits, messages = ScriptedVisits([0, 1]), MemoryMessages()
    invitations = (
        WebhookMessage("sms", {"to": "+49", "link": "{link}"}),
        SipMessage("reception", "Join: {link}"),
        MailMessage("office", "Video", "{link}"),
    )
    run(visits, gather("support", 5.0, *invitations), messages)
    webhook, message, mail = messages.posted
    assert isinstance(webhook, WebhookMessage) and isinstance(message, SipMessage) and isinstance(mail, MailMessage)
    link = str(webhook.data["link"])
    assert message.text == f"Join: {link}" and mail.text == link
    address, token = link.rsplit("/", 1)
    assert address == "https://desk.example.org/v" and len(token) >= 43
    assert visits.opened[0].link_hash == hash_of(token)


def test_somebody_who_joins_ends_the_wait_and_the_room_is_kept() -> None:
    visits = ScriptedVisits([0, 0, 1])
    result = run(visits, gather())
    assert result.outcome is JobOutcome.DONE
    assert result.value == {"visit": visits.opened[0].visit, "number": 500}
    assert not visits.closed


def test_nobody_joins_and_the_room_is_given_back() -> None:
    visits = ScriptedVisits()
    assert run(visits, gather(wait_for_s=0.02)).outcome is JobOutcome.TIMEOUT
    assert visits.closed == [visits.opened[0].visit]


def test_all_rooms_are_in_use() -> None:
    result = run(ScriptedVisits(number=None), gather())
    assert (result.outcome, result.detail) == (JobOutcome.FAILED, "all rooms are in use")


def test_a_room_that_is_not_in_the_settings() -> None:
    assert run(ScriptedVisits(), gather("sales")).outcome is JobOutcome.FAILED


def test_a_database_that_is_away_for_a_moment_ends_no_wait() -> None:
    assert run(ScriptedVisits([None, None, 1]), gather()).outcome is JobOutcome.DONE
    assert run(ScriptedVisits([None]), gather()).outcome is JobOutcome.FAILED


def test_a_caller_who_leaves_gives_the_room_back() -> None:
    visits = ScriptedVisits()

    async def leave(rooms: VideoRooms) -> JobResult:
        task = asyncio.ensure_future(rooms.gather(GatherJob("support", (), 60.0, 60.0), "call"))
        assert await asyncio.to_thread(visits.is_open.wait, 10.0)
        task.cancel()
        await asyncio.wait([task])
        return JobResult(JobOutcome.DONE)

    run(visits, leave)
    assert visits.closed == [visits.opened[0].visit]


def test_the_others_have_left_and_a_database_that_is_away_is_no_such_news() -> None:
    visits = ScriptedVisits([2, None, 1, 0])
    result = run(visits, lambda rooms: rooms.attend(AttendJob("v1"), "call"))
    assert result.outcome is JobOutcome.DONE and visits.present == [0]
    assert visits.closed == ["v1"]
