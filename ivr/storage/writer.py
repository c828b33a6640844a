"""The one thread that has the database written on behalf of the calls.

    inbox ──► pending ──► database            while it takes records and nothing waits in the spool
                    └───► spool ──► database   otherwise; read back in order once the database is there again

A batch leaves `pending` or the spool only after its transaction, and every write may be repeated: a crash between the
two doubles nothing. Where neither database nor spool takes a batch, it stays in memory, and the inbox's limit counts
what is lost. The database's process is ended when it has had nothing to write for a while.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from ivr.errors import StorageError
from ivr.storage.entries import CALL_STARTED, Entry, from_line, to_line
from ivr.storage.inbox import Inbox
from ivr.storage.remote_database import DatabaseAway, EntriesRefused, RemoteDatabase
from ivr.storage.spool import Spool, SpoolFull

BATCH = 200
RETRY_FIRST_S = 0.5
REST_AFTER_S = 10.0
REST_IN_CALLS_S = 300.0
"""While there are calls: their next step would have to start the process again, which costs more than a whole call."""

_log = structlog.get_logger(__name__)


@dataclass
class WriterState:
    """What the writer tells about itself; read by other threads."""

    is_up: bool = False
    problem: str = ""
    """Why records are not written right now."""
    rejected: int = 0
    """Records that a healthy database refused for good."""
    fatal: StorageError | None = None
    """Found at the first attempt, and no waiting will mend it."""


class Writer:
    """Moves entries from the inbox to the database, by way of the spool where needed."""

    def __init__(
        self,
        database: RemoteDatabase,
        spool: Spool,
        inbox: Inbox,
        retry_limit_s: float,
        has_calls: Callable[[], bool] = lambda: False,
        *,
        is_ready: bool = False,
    ) -> None:
        """`has_calls` tells whether more is to come soon; `is_ready`: the database is known to be up to date, and no
        call of this name is open, so that it is not touched before the first record."""
        self._database = database
        self._spool = spool
        self._inbox = inbox
        self._retry_limit_s = retry_limit_s
        self._has_calls = has_calls
        self._used_at_s = time.monotonic()
        self._backoff_s = RETRY_FIRST_S
        self._retry_at_s = 0.0
        self._waits = is_ready and spool.is_empty
        self._own_call_ids: set[str] | None = None if is_ready else set()
        """None: lost calls are closed, no need to remember."""
        self._is_warned = False
        self._unsafe_because = ""
        self.pending: list[Entry] = []
        self.state = WriterState(is_up=self._waits)
        self.first_attempt = threading.Event()

    def run(self) -> None:
        """The thread: until the inbox is closed and everything is in the database or on disk."""
        if self._waits:
            self.first_attempt.set()
        # With no wait: about calls of earlier processes, written before those are closed.
        self._take(None if self._waits else 0)
        self._guarded_turn()
        self.first_attempt.set()
        while not self._is_finished():
            self._receive()
            self._guarded_turn()
        self._database.close()

    def _guarded_turn(self) -> None:
        try:
            self._turn()
        except Exception as error:  # the thread must outlive anything: calls depend on nobody else
            self._degrade(error)

    def _turn(self) -> None:
        if not self.state.is_up and time.monotonic() >= self._retry_at_s and not self._inbox.is_closed:
            self._connect()
        self._store_pending()
        if self.state.is_up and not self._inbox.is_closed:
            self._replay_batch()
        if self.state.is_up and self._spool.is_empty and self._own_call_ids is not None:
            self._close_lost()
        if self._rests_in_s() == 0:
            self._database.rest()

    def _is_finished(self) -> bool:
        if self.state.fatal:
            return True
        return self._inbox.is_closed and not len(self._inbox) and not self.pending

    def _receive(self) -> None:
        if self.pending:  # refused by database and spool; the rest stays where it is counted
            if self._inbox.wait_closed(self._wait_s()):
                self._give_up_pending()
            return
        self._take(self._wait_s())

    def _take(self, wait_s: float | None) -> None:
        self.pending = self._inbox.take(BATCH, wait_s)
        if self._own_call_ids is not None:
            started = (entry for entry in self.pending if entry["record"] == CALL_STARTED)
            self._own_call_ids.update(str(entry["call_id"]) for entry in started)

    def _wait_s(self) -> float | None:
        if not self.state.is_up:
            return max(0.0, self._retry_at_s - time.monotonic())
        return self._rests_in_s() if self._spool.is_empty and not self.pending else 0.0

    def _rests_in_s(self) -> float | None:
        """None while the database's process is not to be ended: there is none, or it is needed."""
        if not (self.state.is_up and self._database.is_awake) or self._database.address.is_in_memory:
            return None
        limit_s = REST_IN_CALLS_S if self._has_calls() else REST_AFTER_S
        return max(0.0, self._used_at_s + limit_s - time.monotonic())

    def _connect(self) -> None:
        try:
            self._database.migrate()
        except StorageError as error:
            self.state.fatal = None if self.first_attempt.is_set() else error
            self._degrade(error)
        except DatabaseAway as error:
            self._degrade(error)
        else:
            self._used_at_s = time.monotonic()
            self.state.is_up = True
            self._backoff_s = RETRY_FIRST_S
            self._report_recovery()

    def _store_pending(self) -> None:
        if self.pending and self.state.is_up and self._spool.is_empty and self._write(self.pending):
            self.pending = []
        if not self.pending:
            return
        try:
            self._spool.append([to_line(entry) for entry in self.pending])
            self.pending = []
            self._unsafe_because = ""
        except SpoolFull:
            self._report_unsafe("the spool is full")
        except OSError as error:
            self._report_unsafe(error.strerror or str(error))

    def _replay_batch(self) -> None:
        if not self._spool.is_empty:
            entries, unreadable = _parsed(self._spool.peek(BATCH))
            if not self._write(entries):
                return
            for line in unreadable:
                self._reject(line, "unreadable line in the spool")
            self._spool.discard()
        self._report_recovery()

    def _write(self, entries: list[Entry]) -> bool:
        """One transaction; an entry that no database would take is set aside. False: the database is away."""
        try:
            self._database.write(entries)
        except DatabaseAway as error:
            self._degrade(error)
            return False
        except EntriesRefused as error:
            if len(entries) > 1:
                return all(self._write([entry]) for entry in entries)
            self._reject(to_line(entries[0]), str(error))
        self._used_at_s = time.monotonic()
        return True

    def _close_lost(self) -> None:
        count = self._database.close_lost_calls(self._spool.worker, self._own_call_ids or ())
        self._own_call_ids = None
        if count:
            _log.warning("call_log.lost_calls_closed", worker=self._spool.worker, count=count)

    def _degrade(self, error: Exception) -> None:
        self.state.is_up = False
        self.state.problem = str(error) or type(error).__name__
        self._retry_at_s = time.monotonic() + self._backoff_s
        self._backoff_s = min(self._backoff_s * 2, self._retry_limit_s)
        if not self._is_warned:
            self._is_warned = True
            _log.warning(
                "call_log.degraded",
                database=self._database.address.shown,
                reason=self.state.problem,
                remedy=getattr(error, "remedy", DatabaseAway.remedy),
            )

    def _report_recovery(self) -> None:
        if self._is_warned and self._spool.is_empty:
            self._is_warned = False
            _log.info("call_log.recovered", database=self._database.address.shown)
        if self._spool.is_empty:
            self.state.problem = ""

    def _report_unsafe(self, why: str) -> None:
        if why != self._unsafe_because:
            self._unsafe_because = why
            remedy = "free disk space or bring the database back; records wait in memory, the newest will be lost"
            _log.error("call_log.memory_only", reason=why, remedy=remedy)
        if not self.state.problem.startswith(why):
            self.state.problem = f"{why}; {self.state.problem}"

    def _reject(self, line: str, why: str) -> None:
        self.state.rejected += 1
        _log.error("call_log.rejected", reason=why, rejected=self.state.rejected)
        try:
            self._spool.reject(line)
        except OSError as error:
            _log.error("call_log.rejected_not_kept", reason=error.strerror)

    def _give_up_pending(self) -> None:
        """At the end there is no later: what nobody takes is counted as dropped."""
        self._store_pending()
        if self.pending:
            self._inbox.dropped += len(self.pending) + len(self._inbox.take(len(self._inbox), 0))
            self.pending = []


def _parsed(lines: list[str]) -> tuple[list[Entry], list[str]]:
    entries, unreadable = [], []
    for line in lines:
        try:
            entries.append(from_line(line))
        except ValueError:
            unreadable.append(line)
    return entries, unreadable
