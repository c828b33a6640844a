"""Video rooms as a worker sees them: the process that has the database is asked, as for its records.

An act that cannot be done now fails: a room is worth nothing when it comes late.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from ivr.errors import StorageError
from ivr.helper_process import HelperProcess
from ivr.ports.video import Attendance, NewVisit, VideoVisits
from ivr.storage.address import Address
from ivr.storage.remote_database import helper_for

ASK_LIMIT_S: Final = 12.0
"""The database's own limits are shorter (`ivr.storage.database`)."""
REST_AFTER_S: Final = 30.0
"""Without a caller in a room nobody is asked, and no process is needed."""


def remote_video(address: Address, shared: Path | None = None) -> RemoteVideo:
    """Rooms by the process of the socket `shared`, or by one of our own. Starts nothing yet."""
    return RemoteVideo(address, helper_for(address, shared, REST_AFTER_S))


class RemoteVideo:
    """Implements `VideoVisits`; safe to be asked from several threads, one after the other."""

    def __init__(self, address: Address, helper: HelperProcess) -> None:
        """`helper` is the process that has the database."""
        self._address, self._helper = address, helper

    def end(self) -> None:
        """Let go of the process. Idempotent."""
        self._helper.close()

    def open(self, wanted: NewVisit, now: datetime) -> int | None:
        """Take a free room."""
        plain = {**asdict(wanted), "link_expires_at": wanted.link_expires_at.isoformat()}
        number: int | None = self._ask("open", now, wanted=plain)
        return number

    def attend(self, visit: str, now: datetime) -> Attendance:
        """The caller is still there."""
        return Attendance(*self._ask("attend", now, visit=visit))

    def close(self, visit: str, now: datetime) -> None:
        """The caller is gone, or back in the flow."""
        self._ask("close", now, visit=visit)

    def _ask(self, act: str, now: datetime, **arguments: object) -> Any:
        request = {"do": "video", "url": self._address.url, "act": act, "now": now.isoformat(), "arguments": arguments}
        try:
            answer = self._helper.ask(request, ASK_LIMIT_S)
        except (OSError, ValueError) as error:  # a TimeoutError is an OSError
            what = f"gave no answer for {ASK_LIMIT_S:g} s" if isinstance(error, TimeoutError) else f"failed ({error})"
            raise StorageError(f"the process that has the database {what}; it is started again") from error
        if not answer.get("ok"):
            reason = str(answer.get("reason", "no reason given"))
            raise StorageError(reason, retryable=answer.get("kind") == "away")
        return answer["value"]


def perform(video: VideoVisits, act: str, now: str, arguments: Mapping[str, Any]) -> Any:
    """What the process does with such a request, as a plain value. Raises KeyError for an act that there is not."""
    return _ACTS[act](video, datetime.fromisoformat(now), arguments)


def _open(video: VideoVisits, now: datetime, arguments: Mapping[str, Any]) -> int | None:
    wanted = arguments["wanted"]
    numbers, expires_at = tuple(wanted["numbers"]), datetime.fromisoformat(wanted["link_expires_at"])
    return video.open(NewVisit(**{**wanted, "numbers": numbers, "link_expires_at": expires_at}), now)


def _attend(video: VideoVisits, now: datetime, arguments: Mapping[str, Any]) -> tuple[int, int]:
    found = video.attend(arguments["visit"], now)
    return found.came, found.present


def _close(video: VideoVisits, now: datetime, arguments: Mapping[str, Any]) -> None:
    video.close(arguments["visit"], now)


_ACTS: Final[Mapping[str, Callable[[VideoVisits, datetime, Mapping[str, Any]], Any]]] = {
    "open": _open,
    "attend": _attend,
    "close": _close,
}
