"""Figures as Prometheus reads them. Loads its library (4 MB), so it is loaded with the first question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector, CollectorRegistry

from ivr.measures.counters import Series, Snapshot
from ivr.ports.measures import Kind, Metric
from ivr.ports.metrics import ALL

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


def as_text(snapshot: Snapshot, metrics: Iterable[Metric] = ALL) -> bytes:
    """The text format 0.0.4. A metric without labels has a value even before anything happened."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshots(snapshot, tuple(metrics)))
    return generate_latest(registry)


class _Snapshots(Collector):
    def __init__(self, snapshot: Snapshot, metrics: tuple[Metric, ...]) -> None:
        self._snapshot, self._metrics = snapshot, metrics

    def describe(self) -> Iterable[Family]:
        return ()

    def collect(self) -> Iterator[Family]:
        for metric in self._metrics:
            nothing: Series = [] if metric.labels else [([], [0.0] * metric.width)]
            yield _family(metric, self._snapshot.get(metric.name) or nothing)


def _family(metric: Metric, series: Series) -> Family:
    if metric.kind is Kind.HISTOGRAM:
        return _histogram(metric, series)
    kind = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
    family = kind(metric.name, metric.help, labels=metric.labels)
    for labels, numbers in series:
        family.add_metric(labels, numbers[0])
    return family


def _histogram(metric: Metric, series: Series) -> Family:
    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    bounds = [*(str(float(bound)) for bound in metric.bounds), "+Inf"]
    for labels, numbers in series:
        buckets = list(zip(bounds, accumulate(numbers[:-1]), strict=True))
        family.add_metric(labels, buckets, sum_value=numbers[-1])
    return family
