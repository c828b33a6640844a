"""Services beyond the call: data, messages, opening hours."""

from __future__ import annotations

from typing import Protocol

from ivr.flow.jobs import AttendJob, GatherJob, HttpJob, JobResult, Message


class DataService(Protocol):
    """Asks data services by HTTP. Reaches only hosts that the settings name."""

    async def ask(self, job: HttpJob) -> JobResult:
        """What the service answered, within `job.timeout_s`. Never raises because of it; cancel to give up."""


class MessageService(Protocol):
    """Sends webhooks, mails and SIP messages, to receivers that the settings name."""

    def post(self, message: Message, call_id: str) -> None:
        """Deliver it sooner or later, also after the call and after a restart. Returns at once, never raises."""

    async def deliver(self, message: Message, call_id: str, timeout_s: float) -> JobResult:
        """Deliver it now or not at all. Never raises because of the receiver; cancel to give up."""


class CalendarService(Protocol):
    """Opening hours."""

    def hours(self, calendar: str) -> JobResult:
        """What the calendar says now: `ivr.flow.calendar.Hours.variables()`. Returns at once, never raises."""


class VideoService(Protocol):
    """Rooms in which callers and agents see each other."""

    async def gather(self, job: GatherJob, call_id: str) -> JobResult:
        """Take a room and wait for somebody to join it. Never raises because of the database; cancel to give up."""

    async def attend(self, job: AttendJob, call_id: str) -> JobResult:
        """Wait until everybody else has left. Cancel when the caller leaves: the room is closed either way."""
