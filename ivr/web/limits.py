"""How often somebody may try to log in. Told the time, so that it needs no clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

WINDOW_S: Final = 900.0
"""For how long a failure counts."""
PER_PAIR: Final = 5
"""Failures of one name from one source."""
PER_SOURCE: Final = 20
PER_NAME: Final = 50
"""From all sources together: so many that a stranger does not easily keep somebody out."""
_MOST_KEYS: Final = 10_000

_Key = tuple[str, str]


class LoginLimit:
    """Counts failures by name, by source and by both."""

    def __init__(self) -> None:
        self._failures: dict[_Key, deque[float]] = {}

    def wait_s(self, name: str, source: str, now_s: float) -> float:
        """How long until the next try; 0 where it is allowed now."""
        self._forget(now_s)
        waits = [self._wait_s(key, limit, now_s) for key, limit in _limits(name, source)]
        return max(waits)

    def failed(self, name: str, source: str, now_s: float) -> None:
        """A name or password was wrong."""
        for key, limit in _limits(name, source):
            if key in self._failures or len(self._failures) < _MOST_KEYS:
                self._failures.setdefault(key, deque(maxlen=limit)).append(now_s)

    def succeeded(self, name: str, source: str) -> None:
        """Who knows the password has made mistakes, no attempts: they count for him no more."""
        self._failures.pop((name, source), None)

    def is_empty(self, now_s: float) -> bool:
        """Whether nothing would be lost with it."""
        self._forget(now_s)
        return not self._failures

    def _wait_s(self, key: _Key, limit: int, now_s: float) -> float:
        times = self._failures.get(key, deque[float]())
        return times[0] + WINDOW_S - now_s if len(times) >= limit else 0.0

    def _forget(self, now_s: float) -> None:
        for key, times in list(self._failures.items()):
            while times and times[0] + WINDOW_S <= now_s:
                times.popleft()
            if not times:
                del self._failures[key]


def _limits(name: str, source: str) -> Iterable[tuple[_Key, int]]:
    return ((name, source), PER_PAIR), (("", source), PER_SOURCE), ((name, ""), PER_NAME)
