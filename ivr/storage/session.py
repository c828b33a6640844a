"""One database as the helper process sees it: does what a request says, and classifies what can go wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from ivr.errors import ActRefused, AgentUnknown, StorageError
from ivr.storage.database import make_folder, masked_url, open_engine, parse_url, reason
from ivr.storage.migrate import migrate
from ivr.storage.rows import close_lost_calls, write_entries

_QUEUE_KINDS = {ActRefused: "act_refused", AgentUnknown: "agent_unknown"}

Request = Mapping[str, Any]
Answer = dict[str, Any]
"""See `ivr.storage.database_worker`."""


class Session:
    """The connection to one database, made when it is needed."""

    def __init__(self, url: str) -> None:
        """Connects to nothing yet."""
        self._url_text = url
        self._engine: Engine | None = None

    def answer(self, request: Request) -> Answer:
        """Do it. Never raises: the next request may fare better."""
        try:
            if request["do"] == "queues":
                return {"ok": True, "value": self._queue_act(request)}
            if request["do"] == "video":
                return {"ok": True, "value": self._video_act(request)}
            return {"ok": True, "count": self._actions[request["do"]](request)}
        except (ActRefused, AgentUnknown) as error:
            return {"ok": False, "kind": _QUEUE_KINDS[type(error)], "reason": str(error)}
        except StorageError as error:
            return {"ok": False, "kind": "away" if error.retryable else "fatal", "reason": str(error)}
        except Exception as error:
            return self._failed(error)

    def close(self) -> None:
        """Let go of the database; the next request connects again."""
        if self._engine is not None:
            self._engine.dispose()

    def _failed(self, error: Exception) -> Answer:
        if _is_refusal(error):
            return {"ok": False, "kind": "refused", "reason": type(error).__name__}
        self.close()
        return {"ok": False, "kind": "away", "reason": reason(parse_url(self._url_text), error)}

    @property
    def _actions(self) -> dict[str, Callable[[Request], int]]:
        return {"migrate": self._migrate, "write": self._write, "close_lost": self._close_lost}

    def _opened(self) -> Engine:
        if self._engine is None:
            self._engine = open_engine(parse_url(self._url_text))
        return self._engine

    def _migrate(self, _request: Request) -> int:
        engine = self._opened()
        make_folder(engine.url)
        migrate(engine, masked_url(engine.url))
        return 0

    def _write(self, request: Request) -> int:
        with self._opened().begin() as connection:
            write_entries(connection, request["entries"])
        return len(request["entries"])

    def _queue_act(self, request: Request) -> Any:
        """One act of `ivr.ports.queues.CallQueues`, on the connection of the records: one thing at a time."""
        from ivr.storage.queue_wire import decode_arguments, decode_settings, encode_result
        from ivr.storage.queues import DatabaseQueues

        queues = DatabaseQueues(self._url_text, decode_settings(request["queues"]), engine=self._opened())
        act = request["act"]
        return encode_result(act, getattr(queues, act)(**decode_arguments(act, request["arguments"])))

    def _video_act(self, request: Request) -> Any:
        """One act of `ivr.ports.video.VideoVisits`."""
        from ivr.storage.remote_video import perform
        from ivr.storage.video import DatabaseVideo

        video = DatabaseVideo(self._url_text, engine=self._opened())
        return perform(video, request["act"], request["now"], request["arguments"])

    def _close_lost(self, request: Request) -> int:
        with self._opened().begin() as connection:
            return close_lost_calls(connection, request["worker"], frozenset(request["own_call_ids"]))


def _is_refusal(error: Exception) -> bool:
    """Whether the record is at fault and not the database: trying again later would not help."""
    if isinstance(error, SQLAlchemyError):
        return isinstance(error, DataError | IntegrityError) or not isinstance(error, DBAPIError)
    return isinstance(error, ValueError | ArithmeticError | LookupError | TypeError)
