"""The usual measures, by arithmetic."""

from __future__ import annotations

import pytest

from ivr.acd.agent import AgentState
from ivr.acd.events import EventKind, QueueEvent
from ivr.acd.measures import ServiceHour, figures, occupancy, service_by_hour
from tests.acd.scene import agent, at

pytestmark = pytest.mark.unit

K = EventKind


def event(kind: EventKind, seconds: float = 0.0, detail: str = "", queue: str = "support") -> QueueEvent:
    return QueueEvent(at(100), kind, queue, "c1", "anna", detail, seconds)


def test_the_figures_of_a_morning() -> None:
    events = [
        *[event(K.ENTERED)] * 9,
        *(event(K.CONNECTED, waited_s) for waited_s in (5, 20, 35)),
        event(K.CONNECTED, 900, "callback"),
        event(K.ABANDONED, 60),
        event(K.SHORT_ABANDONED, 2),
        event(K.LEFT, 600, "too_long"),
        event(K.LEFT, 30, "voicemail"),
        event(K.MOVED, 50, "backup"),
        event(K.LOST, 10),
        event(K.CALLBACK, 10),
        event(K.ENDED, 100),
        event(K.ENDED, 200),
        event(K.AGENT, 30, "wrap_up"),
        event(K.AGENT, 40, "on_call"),
        event(K.CONNECTED, 1000, queue="sales"),
    ]
    found = figures(events, "support", 20)
    assert (found.entered, found.answered, found.abandoned, found.short_abandoned) == (9, 3, 1, 1)
    assert (found.turned_away, found.left, found.lost, found.callbacks, found.called_back) == (1, 2, 1, 1, 1)
    assert found.service_level == 2 / 5
    assert found.average_speed_of_answer_s == 20
    assert found.longest_wait_s == 60
    assert found.abandon_rate == 1 / 5
    assert found.handle_time_s == 165


def test_the_service_level_by_hour_counts_what_the_whole_one_counts() -> None:
    events = [
        *(event(K.CONNECTED, waited_s) for waited_s in (5, 20, 21)),
        event(K.CONNECTED, 30, queue="patient"),
        event(K.CONNECTED, 900, "callback"),
        event(K.ABANDONED, 10),
        event(K.SHORT_ABANDONED, 2),
        event(K.LEFT, 5, "full"),
        event(K.LEFT, 5, "voicemail"),
        event(K.CONNECTED, 5, queue="gone"),
    ]
    within_s = {"support": 20.0, "patient": 60.0}
    hours = [at(50), at(100), at(150)]
    found = service_by_hour(events, within_s, hours)
    assert found == (ServiceHour(0, 0), ServiceHour(6, 3), ServiceHour(0, 0))
    assert service_by_hour(events, within_s, [at(101)]) == (ServiceHour(0, 0),)


def test_where_nothing_happened_there_are_no_ratios() -> None:
    found = figures([], "support", 20)
    assert (found.entered, found.longest_wait_s) == (0, 0)
    assert (found.service_level, found.average_speed_of_answer_s, found.abandon_rate, found.handle_time_s) == (
        None,
    ) * 4


def test_occupancy_is_the_share_of_the_time_at_work() -> None:
    events = [event(K.AGENT, 30, "available"), event(K.AGENT, 60, "on_call"), event(K.AGENT, 500, "paused")]
    assert occupancy(events, [], at(0), at(100)) == pytest.approx(60 / 90)


def test_occupancy_counts_what_still_lasts_and_nothing_before_the_beginning() -> None:
    talking = agent(state=AgentState.ON_CALL, since_at=at(90))
    idle = agent("bert", since_at=at(-1000))
    before = QueueEvent(at(40), K.AGENT, "", "", "anna", "available", 500)
    over = QueueEvent(at(-5), K.AGENT, "", "", "anna", "on_call", 500)
    assert occupancy([before, over], [talking, idle], at(0), at(100)) == pytest.approx(10 / 150)
    assert occupancy([], [agent(state=AgentState.PAUSED)], at(0), at(100)) is None
