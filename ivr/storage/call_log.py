"""`CallLog` over a database that may be away: see `ivr.storage.writer` for the way of a record."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import structlog

from ivr.config import DatabaseSettings
from ivr.ports import AnswerRecord, CallEnded, CallStarted, StepRecord
from ivr.storage.address import parse_address
from ivr.storage.entries import encode, to_line
from ivr.storage.inbox import Inbox
from ivr.storage.remote_database import DatabaseAway, RemoteDatabase
from ivr.storage.spool import Spool, SpoolFull
from ivr.storage.writer import Writer

_log = structlog.get_logger(__name__)

_ABORT_LIMIT_S = 0.5


def worker_name(name: str = "ivr") -> str:
    """Names this machine's process `name` among all that share a database: `host/name`."""
    return f"{socket.gethostname()}/{name}"


def make_ready(settings: DatabaseSettings, workers: Sequence[str]) -> bool:
    """Bring the database up to date and close the calls that earlier processes of these names left open, once for all.

    False where it is away: each worker then does so by itself, as soon as it is there. Blocking. Raises StorageError
    when the database is newer than this program.
    """
    database = RemoteDatabase(parse_address(settings.url))
    try:
        database.migrate()
        count = sum(database.close_lost_calls(worker, ()) for worker in workers)
    except DatabaseAway as error:
        _log.warning("database_away", reason=str(error), remedy=error.remedy)
        return False
    finally:
        database.close()
    if count:
        _log.warning("call_log.lost_calls_closed", count=count)
    return True


@dataclass(frozen=True, slots=True)
class CallLogHealth:
    """How well records are kept right now."""

    is_degraded: bool
    problem: str
    """Why, without secrets; empty when all is well."""
    spooled: int
    """Records on disk that wait for the database."""
    queued: int
    """Records in memory, on their way."""
    dropped: int
    """Records lost because queue and spool were full."""
    rejected: int
    """Records that the database refused for good; kept in `rejected.jsonl`."""

    @property
    def state(self) -> str:
        """`ok` or `degraded`."""
        return "degraded" if self.is_degraded else "ok"


class DatabaseCallLog:
    """Keeps call records. Calls of the port return at once and never raise.

    `worker` on the records given to it should be this log's `worker`, so that a later process of that name can close
    what this one leaves open.
    """

    def __init__(
        self,
        settings: DatabaseSettings,
        worker: str,
        *,
        queue_limit: int = 10_000,
        retry_limit_s: float = 30.0,
        segment_bytes: int = 1_000_000,
        is_ready: bool = False,
        shared: Path | None = None,
    ) -> None:
        """Lock the spool; starts nothing yet. Raises StorageError for a wrong URL or an unusable spool folder.

        `is_ready`: `make_ready` was called for this name; the database is not touched before the first record.

        `shared` is the socket of a database process for several workers; without it the log has its own.

        Lock and process belong to the process that makes them: a worker that is forked makes its own log afterwards.
        """
        self._database = RemoteDatabase(parse_address(settings.url), shared)
        self._open_call_ids: set[str] = set()
        self._inbox = Inbox(queue_limit)
        self._spool = Spool(Path(settings.spool_dir), worker, settings.spool_limit_mb * 1_000_000, segment_bytes)
        self._writer = Writer(
            self._database,
            self._spool,
            self._inbox,
            retry_limit_s,
            has_calls=lambda: bool(self._open_call_ids),
            is_ready=is_ready,
        )
        self._thread = threading.Thread(target=self._writer.run, name="call-log", daemon=True)

    @property
    def worker(self) -> str:
        """This process's name among those sharing the spool folder: as given, or `name#2` beside a living one."""
        return self._spool.worker

    @property
    def address(self) -> str:
        """The database's URL without secrets."""
        return self._database.address.shown

    def begin(self) -> None:
        """Begin to reach the database, and wait for nothing. Idempotent; `start` has still to follow."""
        if self._thread.ident is None:
            self._thread.start()

    def start(self, timeout_s: float = 15.0) -> None:
        """Begin to write; waits, at most `timeout_s`, for the first attempt to reach the database: run it off the loop.

        A database that is away is no error: the log is then degraded. Raises StorageError (not retryable) when the
        database is newer than this program.
        """
        self.begin()
        self._writer.first_attempt.wait(timeout_s)
        if self._writer.state.fatal:
            self._thread.join()
            self._spool.close()
            raise self._writer.state.fatal

    @property
    def health(self) -> CallLogHealth:
        """A snapshot for health checks and metrics."""
        state = self._writer.state
        is_degraded = not state.is_up or self._spool.count > 0 or bool(state.problem)
        queued, dropped = len(self._inbox), self._inbox.dropped
        return CallLogHealth(is_degraded, state.problem, self._spool.count, queued, dropped, state.rejected)

    def call_started(self, call: CallStarted) -> None:
        """Open the record."""
        self._open_call_ids.add(call.call_id)
        self._put(call)

    def step_done(self, step: StepRecord) -> None:
        """Add a step."""
        self._put(step)

    def answer_given(self, answer: AnswerRecord) -> None:
        """Add an answer of a survey."""
        self._put(answer)

    def call_ended(self, call: CallEnded) -> None:
        """Close the record."""
        self._open_call_ids.discard(call.call_id)
        self._put(call)

    def close(self, timeout_s: float = 3.0) -> None:
        """Write what is queued, to the database or to disk, within the time. Idempotent; refuses later records."""
        self._inbox.close()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        if len(self._inbox) or self._writer.pending:
            self._save_leftovers()
        if self._thread.is_alive():
            self._end_stuck_request()
        self._spool.close()
        if self._inbox.dropped:
            _log.error("call_log.dropped", count=self._inbox.dropped)

    def __enter__(self) -> DatabaseCallLog:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def _put(self, record: CallStarted | StepRecord | AnswerRecord | CallEnded) -> None:
        try:
            if not self._inbox.put(encode(record)) and self._inbox.dropped == 1:
                _log.error("call_log.dropping", remedy="bring the database back or free disk space; records are lost")
        except Exception as error:  # a record must never end a call
            self._writer.state.rejected += 1
            _log.error("call_log.unusable_record", reason=type(error).__name__, call_id=record.call_id)

    def _end_stuck_request(self) -> None:
        self._database.abort()
        self._thread.join(_ABORT_LIMIT_S)

    def _save_leftovers(self) -> None:
        """The writer is stuck in the database: spool what it holds. If it writes that after all, nothing doubles."""
        left = [*self._writer.pending, *self._inbox.take(len(self._inbox), 0)]
        try:
            self._spool.append([to_line(entry) for entry in left])
        except (OSError, SpoolFull) as error:
            self._inbox.dropped += len(left)
            _log.error("call_log.not_spooled", reason=str(error) or "the spool is full", count=len(left))
