"""Figures in one process."""

from __future__ import annotations

import threading

import pytest

from ivr.measures.counters import LABELS_LIMIT, OTHER, Counters
from ivr.ports import Kind, Metric

pytestmark = pytest.mark.unit

SEEN = Metric("seen_total", Kind.COUNTER, "Seen.", ("what",))
OPEN = Metric("open", Kind.GAUGE, "Open.")
DELAY = Metric("delay_seconds", Kind.HISTOGRAM, "Delay.", bounds=(0.1, 1.0))


def test_what_happens_is_counted_by_its_labels() -> None:
    counters = Counters()
    counters.count(SEEN, "a")
    counters.count(SEEN, "a", by=2)
    counters.count(SEEN, "b")
    assert counters.snapshot() == {"seen_total": [(["a"], [3.0]), (["b"], [1.0])]}


def test_a_gauge_goes_up_and_down() -> None:
    counters = Counters()
    counters.count(OPEN)
    counters.count(OPEN)
    counters.count(OPEN, by=-1)
    assert counters.snapshot() == {"open": [([], [1.0])]}


def test_a_value_falls_into_the_bucket_whose_bound_it_does_not_exceed() -> None:
    counters = Counters()
    for value in (0.05, 0.1, 0.5, 7.0):
        counters.observe(DELAY, value)
    assert counters.snapshot() == {"delay_seconds": [([], [2.0, 1.0, 1.0, 7.65])]}


def test_what_is_watched_is_read_when_it_is_asked_for() -> None:
    counters, lines = Counters(), ["a"]
    counters.watch(OPEN, lambda: len(lines))
    assert counters.snapshot()["open"] == [([], [1.0])]
    lines.append("b")
    assert counters.snapshot()["open"] == [([], [2.0])]


def test_labels_cannot_fill_the_memory() -> None:
    counters = Counters()
    for number in range(LABELS_LIMIT + 50):
        counters.count(SEEN, f"event {number}")
    series = counters.snapshot()["seen_total"]
    assert len(series) == LABELS_LIMIT + 1
    assert ([OTHER], [50.0]) in series


def test_nothing_is_lost_between_threads() -> None:
    counters = Counters()

    def work() -> None:
        for _ in range(2000):
            counters.count(SEEN, "a")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counters.snapshot() == {"seen_total": [(["a"], [8000.0])]}
