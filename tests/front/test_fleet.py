"""What is written into the front's tables when workers come, go and die."""

from __future__ import annotations

import pytest

from ivr.front.figures import failovers_of, refused_of, statistics_of, table_of
from ivr.front.fleet import Fleet
from ivr.front.workers import WorkerAddress

pytestmark = pytest.mark.unit

W1, W2, W3 = (WorkerAddress(f"w{n}", "127.0.0.1", 5199 + n, 4) for n in (1, 2, 3))
FAR = WorkerAddress("10.0.0.2/w1", "10.0.0.2", 5200, 4, is_far=True)


def test_a_worker_gets_a_number_with_all_that_is_known_of_it() -> None:
    assert Fleet().set_workers([W1]) == [
        ("known", "127.0.0.1:5200", 0),
        ("w_uri", "0", "sip:127.0.0.1:5200"),
        ("w_places", "0", 4),
        ("w_gen", "0", 1),
        ("w_state", "0", 1),
        ("fleet", "largest", 4),
        ("fleet", "size", 1),
        ("fleet", "open", 1),
    ]


def test_a_worker_that_stays_is_not_touched_when_others_come_and_go() -> None:
    fleet = Fleet()
    fleet.set_workers([W1, W2])
    fleet.drain("w2")
    entries = fleet.set_workers([W2, W3])
    assert ("w_state", "0", 0) in entries and ("w_uri", "2", "sip:127.0.0.1:5202") in entries
    assert not [entry for entry in entries if entry[1] == "1"], "drained, and still so"
    assert [place.worker for place in fleet.places()] == [W2, W3]


def test_a_name_that_comes_back_gets_its_number_and_takes_calls() -> None:
    fleet = Fleet()
    fleet.set_workers([W1, W2])
    fleet.drain("w1")
    fleet.set_workers([W2])
    assert ("w_state", "0", 1) in fleet.set_workers([W1, W2])


def test_a_dead_worker_has_no_load_and_its_calls_count_no_more() -> None:
    fleet = Fleet()
    fleet.set_workers([W1])
    none, one = ("fleet", "open", 0), ("fleet", "open", 1)
    assert fleet.mark_down("w1") == [("w_state", "0", 0), ("w_gen", "0", 2), ("w_load", "0", 0), none]
    assert fleet.restore("w1") == [("w_state", "0", 1), one]


def test_the_front_knows_how_many_workers_take_calls() -> None:
    fleet = Fleet()
    assert fleet.set_workers([W1, W2])[-1] == ("fleet", "open", 2)
    assert fleet.drain("w1")[-1] == ("fleet", "open", 1)
    assert fleet.set_workers([W1])[-1] == ("fleet", "open", 0)


def test_a_worker_of_another_node_is_marked_as_such() -> None:
    fleet = Fleet()
    assert ("w_far", "1", 1) in fleet.set_workers([W1, FAR]) and ("w_far", "0", 1) not in fleet.everything()


def test_what_others_have_taken_is_told_once_and_again_to_a_front_that_was_restarted() -> None:
    fleet = Fleet()
    fleet.set_workers([W1, FAR])
    assert fleet.set_taken_by_others({FAR.address: 3, "10.0.0.9:5200": 1}) == [("w_others", "1", 3)]
    assert fleet.set_taken_by_others({FAR.address: 3}) == []
    assert ("w_others", "1", 3) in fleet.everything()
    assert fleet.set_taken_by_others({}) == [("w_others", "1", 0)]


def test_a_front_that_was_restarted_still_refuses_new_calls() -> None:
    fleet = Fleet()
    fleet.set_workers([W1])
    assert ("fleet", "closed", 0) in fleet.everything()
    assert fleet.refuse_new_calls(True) == [("fleet", "closed", 1)]
    assert ("fleet", "closed", 1) in fleet.everything()
    assert fleet.refuse_new_calls(False) == [("fleet", "closed", 0)]


def test_a_front_that_was_restarted_is_told_what_was_said_before() -> None:
    fleet = Fleet()
    fleet.set_workers([W1, W2])
    fleet.mark_down("w1")
    told = fleet.everything()
    assert ("w_state", "0", 0) in told and ("w_gen", "0", 2) in told and ("w_state", "1", 1) in told
    assert told[-2:] == [("fleet", "size", 2), ("fleet", "open", 1)]


def test_an_unknown_worker_is_an_error() -> None:
    with pytest.raises(KeyError):
        Fleet().drain("w9")


def test_answers_of_kamailio_become_figures() -> None:
    dump = [{"entry": 1, "size": 1, "slot": [{"name": "refused_full", "value": 3, "type": "int"}]}]
    counts = table_of(dump)
    assert refused_of({**counts, "dropped_scanner": 2, "failover_full": 1}) == {"full": 3, "scanner": 2}
    assert failovers_of({"failover_silent": 4, "refused_full": 3}) == {"silent": 4}
    assert statistics_of(["core:rcv_requests = 12"]) == {"rcv_requests": 12}
    assert table_of(None) == {} and statistics_of(None) == {}
