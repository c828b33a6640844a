"""The bounded queue between callers that must not wait and the writer thread."""

from __future__ import annotations

import threading
from collections import deque

from ivr.storage.entries import Entry


class Inbox:
    """Entries in order of arrival; when full, new ones are dropped and counted."""

    def __init__(self, limit: int) -> None:
        self._entries: deque[Entry] = deque()
        self._limit = limit
        self._changed = threading.Condition()
        self._is_closed = False
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def is_closed(self) -> bool:
        """Whether nothing more will come."""
        return self._is_closed

    def put(self, entry: Entry) -> bool:
        """Take the entry; False when it had to be dropped. Never waits."""
        with self._changed:
            if self._is_closed or len(self._entries) >= self._limit:
                self.dropped += 1
                return False
            self._entries.append(entry)
            self._changed.notify()
            return True

    def take(self, limit: int, timeout_s: float | None) -> list[Entry]:
        """Up to `limit` entries; waits for the first one until the timeout (None: for ever) or the close."""
        with self._changed:
            self._changed.wait_for(lambda: self._entries or self._is_closed, timeout_s)
            return [self._entries.popleft() for _ in range(min(limit, len(self._entries)))]

    def wait_closed(self, timeout_s: float | None) -> bool:
        """Wait until the close, or the timeout."""
        with self._changed:
            return self._changed.wait_for(lambda: self._is_closed, timeout_s)

    def close(self) -> None:
        """Refuse what comes now; what is in it can still be taken."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
