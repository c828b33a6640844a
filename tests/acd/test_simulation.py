"""The rules, led by random calls on virtual time, agree with queueing theory where its assumptions hold."""

from __future__ import annotations

import pytest

from ivr.acd.agent import AgentState
from ivr.acd.events import EventKind
from ivr.acd.measures import figures, occupancy
from ivr.config_queues import QueueSettings, Strategy
from tests.acd.erlang import Theory, random_calls, waits_s
from tests.acd.scene import BEGIN
from tests.acd.simulation import QUEUE, Simulation

pytestmark = pytest.mark.unit

HANDLE_TIME_S, AGENTS, LOAD_ERLANG = 180.0, 6, 4.2
TOLERANCE = 0.05
THEORY = Theory(AGENTS, LOAD_ERLANG, HANDLE_TIME_S)


@pytest.mark.parametrize(
    ("agents", "load_erlang", "waits"), [(1, 0.5, 0.5), (2, 1.0, 1 / 3), (5, 4.0, 0.5541), (10, 8.0, 0.4092)]
)
def test_the_formula_is_that_of_the_tables(agents: int, load_erlang: float, waits: float) -> None:
    assert Theory(agents, load_erlang, 1.0).waits == pytest.approx(waits, abs=5e-5)


def test_a_million_calls_agree_with_erlang_c() -> None:
    count = 1_000_000
    waits = list(waits_s(random_calls(count, LOAD_ERLANG, HANDLE_TIME_S), AGENTS))
    assert sum(wait_s > 0 for wait_s in waits) / count == pytest.approx(THEORY.waits, rel=TOLERANCE)
    assert sum(waits) / count == pytest.approx(THEORY.average_speed_of_answer_s, rel=TOLERANCE)
    assert sum(wait_s <= 20 for wait_s in waits) / count == pytest.approx(THEORY.service_level(20), rel=TOLERANCE)


def test_the_rules_have_every_caller_wait_as_long_as_theory_says() -> None:
    calls = list(random_calls(20_000, LOAD_ERLANG, HANDLE_TIME_S))
    simulation = Simulation(AGENTS, QueueSettings(wrap_up=0.0, max_wait=0.0))
    over_at = simulation.run(calls)
    floor = simulation.floor
    waited = {event.call_id: event.seconds for event in floor.events if event.kind is EventKind.CONNECTED}
    expected = list(waits_s(calls, AGENTS))
    assert [waited[name] for name in sorted(waited)] == pytest.approx(expected, abs=0.001)
    found = figures(floor.events, QUEUE, 20.0)
    assert (found.entered, found.answered, found.abandoned, len(floor.calls)) == (20_000, 20_000, 0, 0)
    assert found.average_speed_of_answer_s == pytest.approx(sum(expected) / len(expected), abs=0.001)
    assert found.service_level == pytest.approx(THEORY.service_level(20), rel=TOLERANCE)
    assert found.handle_time_s == pytest.approx(HANDLE_TIME_S, rel=TOLERANCE)
    busy = occupancy(floor.events, floor.agents.values(), BEGIN, over_at)
    assert busy == pytest.approx(LOAD_ERLANG / AGENTS, rel=TOLERANCE)


@pytest.mark.parametrize("strategy", ["longest_idle", "round_robin", "fewest_calls", "ring_all", "best_match"])
def test_every_call_has_one_end_whatever_the_strategy(strategy: Strategy) -> None:
    rules = QueueSettings(strategy=strategy, wrap_up=30.0, max_wait=0.0, short_abandon=2.0)
    simulation = Simulation(4, rules, patience_s=120.0)
    simulation.run(random_calls(1_000, 4.5, HANDLE_TIME_S))
    floor = simulation.floor
    found = figures(floor.events, QUEUE, 20.0)
    assert found.answered + found.abandoned + found.short_abandoned == found.entered == 1_000
    assert found.abandoned > 0 and found.short_abandoned > 0
    assert (floor.calls, floor.offers) == ({}, {})
    assert {each.state for each in floor.agents.values()} <= {AgentState.AVAILABLE, AgentState.WRAP_UP}


def test_the_strategies_that_share_the_work_do() -> None:
    simulation = Simulation(5, QueueSettings(strategy="fewest_calls", wrap_up=0.0, max_wait=0.0))
    simulation.run(random_calls(500, 1.0, HANDLE_TIME_S))
    taken = [each.calls_taken for each in simulation.floor.agents.values()]
    assert sum(taken) == 500 and max(taken) - min(taken) <= 5
