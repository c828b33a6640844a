"""Figures of several processes as those of one: what was counted stays counted when a process is replaced."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Final

from ivr.measures.counters import Series, Snapshot
from ivr.ports.measures import Kind
from ivr.ports.metrics import ALL

_GAUGES: Final = frozenset(metric.name for metric in ALL if metric.kind is Kind.GAUGE)


class Totals:
    """Takes what each process says of itself. May be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: dict[str, Snapshot] = {}
        self._ended: Snapshot = {}
        """What ended processes have counted."""

    def take(self, source: str, snapshot: Snapshot) -> None:
        """All figures of the process that is called `source` now; smaller ones are those of its successor."""
        with self._lock:
            if _goes_back(self._last.get(source, {}), snapshot):
                self._retire(source)
            self._last[source] = snapshot

    def gone(self, source: str) -> None:
        """The process has ended: nothing is in progress there any more. Idempotent."""
        with self._lock:
            self._retire(source)

    def snapshot(self) -> Snapshot:
        """The sums."""
        with self._lock:
            return added([self._ended, *self._last.values()])

    def _retire(self, source: str) -> None:
        last = self._last.pop(source, {})
        self._ended = added([self._ended, _counted(last)])


def added(snapshots: Iterable[Snapshot]) -> Snapshot:
    """Sums by name and labels; gauges, counters and buckets alike."""
    sums: dict[str, dict[tuple[str, ...], list[float]]] = {}
    for snapshot in snapshots:
        for name, series in snapshot.items():
            known = sums.setdefault(name, {})
            for labels, numbers in series:
                key = tuple(labels)
                so_far = known.get(key)
                known[key] = [a + b for a, b in zip(so_far, numbers, strict=True)] if so_far else list(numbers)
    return {name: [(list(labels), numbers) for labels, numbers in known.items()] for name, known in sums.items()}


def _counted(snapshot: Snapshot) -> Snapshot:
    return {name: series for name, series in snapshot.items() if name not in _GAUGES}


def _goes_back(before: Snapshot, now: Snapshot) -> bool:
    """Whether a counter is smaller than it was, which it never is in the same process."""
    return any(_is_smaller(now.get(name, []), series) for name, series in _counted(before).items())


def _is_smaller(now: Series, before: Series) -> bool:
    known = {tuple(labels): numbers[0] for labels, numbers in now}
    return any(known.get(tuple(labels), 0.0) < numbers[0] for labels, numbers in before)
