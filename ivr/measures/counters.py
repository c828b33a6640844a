"""`ivr.ports.Measures` as plain numbers. Takes a few kilobytes; what Prometheus needs is loaded where it is asked."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable
from typing import Final

from ivr.ports.measures import Metric

Series = list[tuple[list[str], list[float]]]
"""Values of the labels, and the value: one number, or how many fell into each bucket, and their sum."""
Snapshot = dict[str, Series]
"""Series by name of the metric. Plain JSON; all numbers of two processes may be added up."""

LABELS_LIMIT: Final = 500
"""Combinations of a metric's labels; what comes beyond counts as `OTHER`."""
OTHER: Final = "other"


class Counters:
    """Figures of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, dict[tuple[str, ...], list[float]]] = {}
        self._watched: dict[str, Callable[[], float]] = {}

    def count(self, metric: Metric, *labels: str, by: float = 1) -> None:
        """Something happened; also moves a gauge."""
        with self._lock:
            self._value(metric, labels)[0] += by

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        """A value of a histogram; bounds belong to their bucket."""
        with self._lock:
            numbers = self._value(metric, labels)
            numbers[bisect_left(metric.bounds, value)] += 1
            numbers[-1] += value

    def watch(self, metric: Metric, read: Callable[[], float]) -> None:
        """Is read with each snapshot."""
        self._watched[metric.name] = read

    def snapshot(self) -> Snapshot:
        """All figures of this moment. From any thread."""
        with self._lock:
            taken: Snapshot = {
                name: [(list(labels), list(numbers)) for labels, numbers in series.items()]
                for name, series in self._values.items()
            }
        return taken | {name: [([], [float(read())])] for name, read in list(self._watched.items())}

    def _value(self, metric: Metric, labels: tuple[str, ...]) -> list[float]:
        series = self._values.setdefault(metric.name, {})
        if labels not in series and len(series) >= LABELS_LIMIT:
            labels = (OTHER,) * len(labels)
        return series.setdefault(labels, [0.0] * metric.width)
