"""The database as the worker sees it: a helper process that is asked, so that a worker holds no library for databases.

The process (about 40 MB) is started by the first request and ended by `rest`. One that is killed or hangs is a database
that is away: every request may be repeated, and the next one starts it again.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from ivr.errors import StorageError
from ivr.helper_process import Answer, HelperProcess
from ivr.storage.address import Address
from ivr.storage.entries import Entry
from ivr.storage.shared_helper import SharedHelper

WORKER_COMMAND = (sys.executable, "-P", str(Path(__file__).with_name("database_worker.py")))

# The process has limits of its own for connecting, for locks and for each statement (`ivr.storage.database`). These
# are for a process that is beyond keeping them, and must leave a slow database its time.
MIGRATE_LIMIT_S = 120.0
REQUEST_LIMIT_S = 20.0
ENTRY_LIMIT_S = 0.3
"""More for each entry of a request: up to three statements, on a database 100 ms away."""


class DatabaseAway(Exception):
    """Later may be better. The text is the reason, without secrets."""

    remedy = (
        "calls go on and their records wait in database.spool_dir; start the database or correct database.url, they "
        "are then written by themselves"
    )


class ProcessLost(DatabaseAway):
    """The helper process was killed, or hung and was ended."""

    remedy = (
        "calls go on and their records wait in database.spool_dir, they are then written by themselves; where this "
        "comes again, see whether the machine has too little memory or the disk of the database hangs"
    )


class EntriesRefused(Exception):
    """One of the entries is at fault. The text is what kind of fault, without values."""


def helper_for(address: Address, shared: Path | None, rest_after_s: float | None = None) -> HelperProcess:
    """A process of our own for a database, or the way to the one for several workers; starts nothing yet.

    `rest_after_s` None: whoever asks sees to the rest.
    """
    if shared is not None and not address.is_in_memory:  # what is in memory is one worker's
        return SharedHelper(shared, rest_after_s=rest_after_s)
    return HelperProcess(WORKER_COMMAND, rest_after_s=rest_after_s)


class RemoteDatabase:
    """Used by one thread at a time, `abort` excepted. Starts nothing before the first request."""

    def __init__(self, address: Address, shared: Path | None = None) -> None:
        """`address` is checked already; `shared` is the socket of a process for several workers, else it is our own."""
        self.address = address
        self._helper = helper_for(address, shared)

    @property
    def is_awake(self) -> bool:
        """Whether there is a process."""
        return self._helper.pid is not None

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._helper.pid

    def migrate(self) -> None:
        """Make the database, or bring it up to date.

        Raises DatabaseAway, and StorageError where no waiting will help: a database newer than this program, a driver
        that is missing.
        """
        answer = self._ask({"do": "migrate"}, MIGRATE_LIMIT_S)
        if answer.get("kind") == "fatal":
            raise StorageError(str(answer.get("reason")), retryable=False)
        _check(answer)

    def write(self, entries: Sequence[Entry]) -> None:
        """Write all of them in one transaction. Raises DatabaseAway, EntriesRefused; then it has written none."""
        if not entries:
            return
        answer = self._ask({"do": "write", "entries": list(entries)}, REQUEST_LIMIT_S + ENTRY_LIMIT_S * len(entries))
        if answer.get("kind") == "refused":
            raise EntriesRefused(str(answer.get("reason")))
        _check(answer)

    def close_lost_calls(self, worker: str, own_call_ids: Collection[str]) -> int:
        """Close the worker's calls that nobody will end, except `own_call_ids`; how many. Raises DatabaseAway."""
        answer = self._ask({"do": "close_lost", "worker": worker, "own_call_ids": list(own_call_ids)}, REQUEST_LIMIT_S)
        _check(answer)
        return int(answer.get("count", 0))

    def rest(self) -> None:
        """End the process until the next request."""
        self._helper.rest()

    def close(self) -> None:
        """End the process for good. Idempotent."""
        self._helper.close()

    def abort(self) -> None:
        """End the process for good, from any thread; a request in progress raises DatabaseAway."""
        self._helper.abort()

    def _ask(self, request: dict[str, object], limit_s: float) -> Answer:
        try:
            # By standard input: other users of the machine can read arguments.
            return self._helper.ask({**request, "url": self.address.url}, limit_s)
        except (OSError, ValueError) as error:  # a TimeoutError is an OSError
            what = f"gave no answer for {limit_s:g} s" if isinstance(error, TimeoutError) else f"failed ({error})"
            raise ProcessLost(f"the helper process that writes call records {what}; it is started again") from error


def _check(answer: Answer) -> None:
    if not answer.get("ok"):
        raise DatabaseAway(str(answer.get("reason", "no reason given")))
