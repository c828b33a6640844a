"""What the front is told of other nodes' workers when these report, change and fall silent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ivr.front.workers import WorkerAddress
from ivr.supervisor.far_workers import Closes, FarWorkers, Forgets, Lists, Opens
from ivr.supervisor.node_report import NodeReport, WorkerReport

pytestmark = pytest.mark.unit

W1 = WorkerReport("w1", "10.0.0.2", 5200, 4, True, "a.1")
W2 = WorkerReport("w2", "10.0.0.2", 5201, 4, True, "a.2")
B = "10.0.0.2"


def report(*workers: WorkerReport, **legs: int) -> NodeReport:
    return NodeReport(workers, legs)


def test_a_node_that_is_heard_has_its_workers_listed_once() -> None:
    far = FarWorkers()
    assert far.heard(B, report(W1, W2)) == [Lists()]
    assert far.heard(B, report(W1, W2)) == []
    assert far.addresses[0] == WorkerAddress(f"{B}/w1", B, 5200, 4, is_far=True)
    assert far.nodes == {B: 2}


def test_a_worker_that_takes_no_calls_is_listed_and_closed_and_opened_when_it_does() -> None:
    far, closed = FarWorkers(), replace(W1, takes_calls=False)
    assert far.heard(B, report(closed)) == [Lists(), Closes(f"{B}/w1")]
    assert far.heard(B, report(W1)) == [Opens(f"{B}/w1")]
    assert far.heard(B, report(closed)) == [Closes(f"{B}/w1")]


def test_the_load_of_a_worker_that_died_is_forgotten_when_its_successor_takes_calls() -> None:
    far = FarWorkers()
    far.heard(B, report(W1))
    far.heard(B, report(replace(W1, takes_calls=False)))
    assert far.heard(B, report(replace(W1, life="a.9"))) == [Forgets(f"{B}/w1"), Opens(f"{B}/w1")]
    assert far.heard(B, report(replace(W1, life="a.10"))) == [Forgets(f"{B}/w1"), Opens(f"{B}/w1")]
    died = replace(W1, life="a.11", takes_calls=False)
    assert far.heard(B, report(died)) == [Forgets(f"{B}/w1")]


def test_a_silent_node_gets_no_calls_and_one_that_comes_back_keeps_the_load_that_it_has() -> None:
    far = FarWorkers()
    far.heard(B, report(W1, W2, w=3))
    assert far.fell_silent(B) == [Closes(f"{B}/w1"), Closes(f"{B}/w2")]
    assert far.legs == {} and far.nodes == {}
    assert far.fell_silent(B) == []
    assert far.heard(B, report(W1, W2, w=3)) == [Opens(f"{B}/w1"), Opens(f"{B}/w2")]
    assert far.legs == {"w": 3}


def test_a_node_that_was_started_again_has_none_of_the_calls_of_before() -> None:
    far = FarWorkers()
    far.heard(B, report(W1))
    far.fell_silent(B)
    assert far.heard(B, report()) == [Lists()]
    assert far.heard(B, report(replace(W1, life="b.1"))) == [Lists(), Forgets(f"{B}/w1"), Opens(f"{B}/w1")]


def test_what_fronts_of_several_nodes_have_given_to_a_worker_is_added_up() -> None:
    far = FarWorkers()
    far.heard(B, report(a=1, b=2))
    far.heard("10.0.0.3", report(b=1))
    assert far.legs == {"a": 1, "b": 3}


def test_nobody_misses_a_node_that_never_spoke() -> None:
    assert FarWorkers().fell_silent(B) == []
