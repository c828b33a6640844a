"""Video rooms: which are in use, who may come in by a link, who is there.

    the bot:   open ─► (link is sent) ─► attend … attend ─► close
    a browser: look ─► use (a guest, once) or enter (somebody of the desk) ─► seen … seen ─► left

Each method is one transaction and raises StorageError. Not fast enough for an event loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol

from ivr.immutable import immutable

ATTEND_EVERY_S: Final = 1.0
"""How often a bot looks who is there, and says that its caller is."""
SEEN_EVERY_S: Final = 5.0
"""How often a page says that it is there."""
GONE_AFTER_S: Final = 20.0
"""A page that has said nothing for so long has been closed; a room of which nothing is heard for so long is free."""
MOST_MEMBERS: Final = 8
"""Pages in one room at once."""
GUEST: Final = "guest"
"""Who came by a link; who has logged in is known by name."""


@immutable
class NewVisit:
    """A caller who needs a room."""

    visit: str
    call_id: str
    room: str
    """Name in the settings."""
    numbers: tuple[int, ...]
    """One of which it may be."""
    link_hash: str
    """Of the link's token; the token itself is kept nowhere."""
    link_expires_at: datetime


@immutable
class OpenVisit:
    """A room in use."""

    visit: str
    call_id: str
    room: str
    number: int
    opened_at: datetime


@immutable
class Attendance:
    """Who is in a room, callers aside."""

    came: int
    """How many have ever joined."""
    present: int


@immutable
class Member:
    """Somebody who was in a room."""

    who: str
    joined_at: datetime
    left_at: datetime
    """Or was seen last."""


class VideoVisits(Protocol):
    """What a bot does."""

    def open(self, wanted: NewVisit, now: datetime) -> int | None:
        """Take a free room; its number, None where all are in use."""
        ...

    def attend(self, visit: str, now: datetime) -> Attendance:
        """The caller is still there."""
        ...

    def close(self, visit: str, now: datetime) -> None:
        """The caller is gone, or back in the flow: the link is of no use any more, pages are to leave. Idempotent."""
        ...


class VideoDoor(Protocol):
    """What the pages do. A member is known by a key that only its page has; what is kept is the hash."""

    def look(self, link_hash: str, now: datetime) -> OpenVisit | None:
        """What a link leads to; None for one that is unknown, used or expired, or whose caller has gone."""
        ...

    def use(self, link_hash: str, member_hash: str, now: datetime) -> OpenVisit | None:
        """Come in by a link, which is used with that. None as for `look`."""
        ...

    def enter(self, number: int, who: str, member_hash: str, now: datetime) -> OpenVisit | None:
        """Come in as somebody who has logged in; None where no caller has that room."""
        ...

    def seen(self, member_hash: str, now: datetime) -> bool:
        """The page is still there. False where it is to leave."""
        ...

    def left(self, member_hash: str, now: datetime) -> None:
        """The page has been closed. Idempotent."""
        ...

    def visits(self, now: datetime) -> Sequence[OpenVisit]:
        """Rooms whose callers wait or talk, the oldest first."""
        ...
