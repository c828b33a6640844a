"""Waiting calls: order, places, ends of the wait."""

from __future__ import annotations

import pytest

from ivr.acd.queue import (
    CallState,
    estimated_wait_s,
    for_callback,
    has_waited_too_long,
    is_due,
    is_short_abandon,
    moved,
    not_reached,
    order_of,
    place_for,
    position,
)
from ivr.config_queues import QueueSettings, overflow_circle
from tests.acd.scene import at, waiting

pytestmark = pytest.mark.unit


def test_priority_goes_before_arrival() -> None:
    calls = [waiting("late", after_s=9), waiting("early", after_s=1), waiting("vip", after_s=10, priority=5)]
    assert [call.call_id for call in sorted(calls, key=order_of)] == ["vip", "early", "late"]


def test_the_position_counts_those_before_who_still_wait() -> None:
    calls = [
        waiting("talking", after_s=0, state=CallState.CONNECTED),
        waiting("ringing", after_s=1, state=CallState.OFFERED),
        waiting("elsewhere", "sales", after_s=2),
        waiting("me", after_s=3),
        waiting("behind", after_s=4),
        waiting("vip", after_s=5, priority=1),
    ]
    assert position(calls[3], calls) == 3


def test_the_estimated_wait_goes_by_place_and_agents() -> None:
    assert estimated_wait_s(3, 0, 6, 240) == 120
    assert estimated_wait_s(3, 0, 0, 240) is None


def test_who_has_a_free_agent_waits_for_nobody() -> None:
    assert estimated_wait_s(1, 1, 1, 240) == 0
    assert estimated_wait_s(2, 3, 6, 240) == 0
    assert estimated_wait_s(3, 1, 6, 240) == 80


def test_the_longest_wait_is_that_in_the_present_queue() -> None:
    rules = QueueSettings(max_wait=60.0)
    assert not has_waited_too_long(waiting(), rules, at(59))
    assert has_waited_too_long(waiting(), rules, at(60))
    assert not has_waited_too_long(moved(waiting(), "sales", at(50)), rules, at(100))
    assert not has_waited_too_long(waiting(state=CallState.OFFERED), rules, at(100))
    assert not has_waited_too_long(for_callback(waiting(), "+49301"), rules, at(100))
    assert not has_waited_too_long(waiting(), QueueSettings(max_wait=0.0), at(10**6))


def test_a_full_queue_overflows_into_the_next_that_has_room() -> None:
    queues = {
        "first": QueueSettings(max_length=2, overflow="second"),
        "second": QueueSettings(max_length=1, overflow="third"),
        "third": QueueSettings(),
    }
    assert place_for("first", {"first": 1}, queues) == "first"
    assert place_for("first", {"first": 2}, queues) == "second"
    assert place_for("first", {"first": 2, "second": 1}, queues) == "third"


def test_where_all_are_full_nobody_takes_the_call() -> None:
    circle = {"a": QueueSettings(max_length=1, overflow="b"), "b": QueueSettings(max_length=1, overflow="a")}
    assert place_for("a", {"a": 1, "b": 1}, circle) is None


def test_a_queue_that_was_taken_out_of_the_settings_goes_on_with_the_usual_ones() -> None:
    assert place_for("old", {"old": 100}, {}) == "old"


def test_who_is_moved_or_called_back_keeps_the_place() -> None:
    elsewhere = moved(waiting(after_s=1, refused_by=("anna",)), "sales", at(50))
    assert (elsewhere.arrived_at, elsewhere.entered_at, elsewhere.refused_by) == (at(1), at(50), ())
    later = for_callback(waiting(after_s=1), "+49301")
    assert (later.arrived_at, later.owner, later.callback) == (at(1), "", "+49301")


def test_a_callback_that_is_not_answered_is_tried_again_and_then_given_up() -> None:
    rules = QueueSettings(callback_tries=2, callback_again_after=60.0)
    again = not_reached(for_callback(waiting(), "+49301"), rules, at(100))
    assert again is not None
    assert not is_due(again, at(159)) and is_due(again, at(160))
    assert not_reached(again, rules, at(200)) is None


def test_a_short_abandon_is_one_under_the_threshold() -> None:
    rules = QueueSettings(short_abandon=5.0)
    assert is_short_abandon(waiting(), rules, at(4.9))
    assert not is_short_abandon(waiting(), rules, at(5))


def test_overflows_in_a_circle_are_found() -> None:
    assert overflow_circle({"a": QueueSettings(overflow="b"), "b": QueueSettings()}) == ()
    assert overflow_circle({"a": QueueSettings(overflow="a")}) == ("a", "a")
    circle = {"a": QueueSettings(overflow="b"), "b": QueueSettings(overflow="c"), "c": QueueSettings(overflow="b")}
    assert overflow_circle(circle) == ("b", "c", "b")
    assert overflow_circle({"a": QueueSettings(overflow="nowhere")}) == ()
