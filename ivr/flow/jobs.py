"""Work that a step gives away: what to ask or send, as plain data, and what came of it. Pure.

The engine says `StartJob(job_id, job)`; the driver carries the job to a port and answers `JobDone(job_id, result)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Final

from ivr.immutable import immutable


class JobOutcome(StrEnum):
    """How a job ended."""

    DONE = "done"
    FAILED = "failed"
    TIMEOUT = "timeout"


@immutable
class JobResult:
    """What came of a job."""

    outcome: JobOutcome
    value: object = None
    """Data of the answer: what JSON can hold, bounded; of `hours` its variables."""
    status: int | None = None
    """HTTP status, where a server answered."""
    detail: str = ""
    """For the operator, without any value of the call."""


@immutable
class HttpJob:
    """A question to a data service."""

    method: str
    """GET, POST, PUT, PATCH or DELETE."""
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    json: object = None
    form: Mapping[str, str] | None = None
    timeout_s: float = 5.0
    """For everything together: retries, redirects, the whole answer."""
    retries: int = 0
    reads_answer: bool = False
    """Whether the answer's JSON is wanted."""
    accepted: tuple[tuple[int, int], ...] = ((200, 299),)
    """Ranges of statuses that count as success."""
    shown_url: str = ""
    """The address as it may be written down."""


@immutable
class HoursJob:
    """A question to a calendar."""

    calendar: str


@immutable
class WebhookMessage:
    """JSON for a webhook of the configuration."""

    webhook: str
    data: Mapping[str, object]


@immutable
class MailMessage:
    """A mail."""

    recipient: str
    """Name of a recipient in the configuration; or an address, where `is_address`."""
    subject: str
    text: str
    is_address: bool = False
    attachment: str = ""
    """Name of a recording (`ivr.flow.segments.Recorded`) that goes with it; empty for none."""


CALLER: Final = "caller"
"""The telephone that the call comes from, unless the configuration has a target of that name."""


@immutable
class SipMessage:
    """A SIP MESSAGE (RFC 3428) to a target of the configuration, or to the caller's telephone."""

    target: str
    """A name of the configuration, or CALLER."""
    text: str


Message = WebhookMessage | MailMessage | SipMessage


@immutable
class SendJob:
    """A message to be delivered."""

    message: Message
    is_awaited: bool = False
    """Whether the flow waits for what comes of it; else the message is delivered after the call if need be."""
    timeout_s: float = 10.0


LINK: str = "{link}"
"""Stands in a message for the address of a room's page, which is known only when the room is."""


@immutable
class GatherJob:
    """A video room for the caller: done as soon as somebody has joined it, timeout where nobody does."""

    room: str
    """Name under `video:` of the configuration."""
    invitations: tuple[Message, ...]
    """With `LINK` where the address of the page belongs."""
    wait_for_s: float
    link_valid_s: float


@immutable
class AttendJob:
    """The caller is in a video room: done when nobody else is there any more."""

    visit: str
    """What `GatherJob` was answered, as is the number of the room: `{visit: …, number: …}`."""


Job = HttpJob | HoursJob | SendJob | GatherJob | AttendJob
