"""Figures of several workers together."""

from __future__ import annotations

import json

import pytest

from ivr.measures.counters import Counters, Snapshot
from ivr.measures.exposition import as_text
from ivr.measures.totals import Totals
from ivr.ports import metrics
from ivr.supervisor.figures import BotFigures
from ivr.supervisor.fleet import Fleet
from tests.measures.test_exposition import samples

pytestmark = pytest.mark.unit


def worker(calls: int, delays_s: tuple[float, ...] = (), in_progress: int = 0) -> Snapshot:
    """What a worker says of itself, as it comes through the channel."""
    counters = Counters()
    counters.count(metrics.CALLS_STARTED, "demo", by=calls)
    for delay_s in delays_s:
        counters.observe(metrics.ANSWER_DELAY, delay_s)
    counters.watch(metrics.CALLS, lambda: in_progress)
    return json.loads(json.dumps(counters.snapshot()))  # type: ignore[no-any-return]


def started(totals: Totals) -> float:
    return totals.snapshot()["ivr_calls_started_total"][0][1][0]


def test_workers_are_added_up_bucket_by_bucket() -> None:
    totals = Totals()
    totals.take("w1", worker(3, (0.004, 0.2), in_progress=1))
    totals.take("w2", worker(4, (0.004,), in_progress=2))
    summed = totals.snapshot()
    assert started(totals) == 7
    assert summed["ivr_calls"] == [([], [3.0])]
    ((_, numbers),) = summed["ivr_answer_delay_seconds"]
    assert (numbers[0], sum(numbers[:-1])) == (2, 3)
    assert numbers[-1] == pytest.approx(0.208)


def test_what_is_said_again_is_not_counted_again() -> None:
    totals = Totals()
    for calls in (1, 2, 2, 5):
        totals.take("w1", worker(calls))
    assert started(totals) == 5


def test_what_a_dead_worker_counted_stays_and_what_it_had_in_progress_goes() -> None:
    totals = Totals()
    totals.take("w1", worker(9, (0.1,), in_progress=4))
    totals.gone("w1")
    totals.gone("w1")
    assert started(totals) == 9
    assert "ivr_calls" not in totals.snapshot()
    totals.take("w1", worker(2))
    assert started(totals) == 11


def test_a_successor_that_nobody_announced_is_known_by_its_smaller_figures() -> None:
    totals = Totals()
    totals.take("w1", worker(9))
    totals.take("w1", worker(1))
    assert started(totals) == 10


def test_counters_never_go_back_whatever_happens_to_workers() -> None:
    totals, seen = Totals(), 0.0
    for turn in range(40):
        name = f"w{turn % 3}"
        if turn % 7 == 0:
            totals.gone(name)
        totals.take(name, worker(turn * 37 % 11 + 1))
        assert started(totals) >= seen
        seen = started(totals)


def test_the_bot_says_how_its_workers_are_and_how_many_died() -> None:
    fleet = Fleet(2, 5.0)
    fleet.begin(0.0)
    fleet.ready(0, 1.0)
    fleet.beat(0, 1.0, calls=1, legs=2, sip_silent_s=0.0)
    figures = BotFigures(Counters(), fleet)
    figures.heard(0, {"say": "beat", "figures": worker(3)})
    figures.heard(1, {"say": "beat"})
    found = samples(as_text(figures.snapshot()))
    assert (found["ivr_workers", "serving"], found["ivr_workers", "starting"]) == (1, 1)
    assert found["ivr_workers_lost_total",] == 0
    figures.ended(0, is_lost=True)
    found = samples(as_text(figures.snapshot()))
    assert found["ivr_workers_lost_total",] == 1
    assert found["ivr_calls_started_total", "demo"] == 3


def test_the_front_is_counted_on_when_it_answers_again_and_when_it_was_started_again() -> None:
    figures = BotFigures(Counters(), Fleet(1, 5.0))

    def told(counted: dict[str, object]) -> dict[tuple[str, ...], float]:
        figures.front(counted)
        return samples(as_text(figures.snapshot()))

    rest = {"failovers": {"silent": 1}, "in_progress": 3, "registered": {"trunk": True}, "pid": 7, "workers": ()}
    counted = {"is_up": True, "requests": 90, "replies": {"2xx": 40, "5xx": 2}, "refused": {"full": 2}, **rest}
    found = told(counted)
    assert (found["ivr_front_up",], found["ivr_front_transactions",]) == (1, 3)
    assert (found["ivr_front_replies_total", "5xx"], found["ivr_front_refused_total", "full"]) == (2, 2)
    assert (found["ivr_front_failovers_total", "silent"], found["ivr_front_registered", "trunk"]) == (1, 1)
    found = told({"is_up": False, "problem": "it does not answer"})
    assert (found["ivr_front_up",], found["ivr_front_requests_total",]) == (0, 90)
    assert told({**counted, "requests": 93})["ivr_front_requests_total",] == 93, "it was only away"
    found = told({"is_up": True, "requests": 5, "replies": {}, "refused": {}, "failovers": {}})
    assert (found["ivr_front_requests_total",], found["ivr_front_refused_total", "full"]) == (98, 2)
