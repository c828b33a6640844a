"""What is measured while calls go on: figures that only grow, figures that come and go, and distributions.

Labels are bounded: flows of the configuration and words of the program, never what a caller says, keys or is called.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from ivr.immutable import immutable


class Kind(StrEnum):
    """Of a figure, as Prometheus names it."""

    COUNTER = "counter"
    """Only grows."""
    GAUGE = "gauge"
    """What is there now; workers are added up."""
    HISTOGRAM = "histogram"
    """How often values fell below each bound, and their sum."""


@immutable
class Metric:
    """One figure, or one for each combination of its labels' values."""

    name: str
    """As Prometheus asks for it (a counter's ends with `_total`), with its unit."""
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    """Upper bounds of a histogram's buckets, rising; one without a bound comes behind them."""

    @property
    def width(self) -> int:
        """How many numbers its value has: one, or those of the buckets and the sum."""
        return len(self.bounds) + 2 if self.kind is Kind.HISTOGRAM else 1


class Measures(Protocol):
    """Takes figures. May be called from any thread; every method returns at once and never raises."""

    def count(self, metric: Metric, *labels: str, by: float = 1) -> None:
        """Something happened; also moves a gauge up, or down with a negative `by`."""

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        """A value of a histogram."""

    def watch(self, metric: Metric, read: Callable[[], float]) -> None:
        """A gauge without labels, or a counter that is kept elsewhere: read when it is asked for, from any thread."""


class NoMeasures:
    """Measures nothing."""

    def count(self, metric: Metric, *labels: str, by: float = 1) -> None:
        """Nothing."""

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        """Nothing."""

    def watch(self, metric: Metric, read: Callable[[], float]) -> None:
        """Nothing."""
