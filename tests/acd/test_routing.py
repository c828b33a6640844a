"""Who gets which call."""

from __future__ import annotations

import pytest

from ivr.acd.agent import Act, Agent, AgentState, perform
from ivr.acd.queue import CallState
from ivr.acd.routing import Pairing, match
from ivr.config_queues import QueueSettings, Strategy
from tests.acd.scene import agent, at, waiting

pytestmark = pytest.mark.unit


def names(agents: list[Agent], strategy: Strategy = "longest_idle", **rules: object) -> tuple[str, ...]:
    """Who gets a call that has waited for 65 s."""
    settings = QueueSettings.model_validate({"strategy": strategy, **rules})
    pairings = match([waiting()], agents, {"support": settings}, at(65))
    return pairings[0].agents if pairings else ()


def test_calls_are_served_in_their_order_and_no_agent_twice() -> None:
    calls = [waiting("late", after_s=2), waiting("early", after_s=1), waiting("vip", "sales", after_s=3, priority=1)]
    agents = [agent("anna", idle_since_at=at(2)), agent("bert", idle_since_at=at(1))]
    assert match(calls, agents, {}, at(5)) == (
        Pairing("vip", "sales", ("bert",)),
        Pairing("early", "support", ("anna",)),
    )


def test_only_waiting_calls_and_free_agents_count() -> None:
    calls = [waiting("a", state=CallState.OFFERED), waiting("b", state=CallState.CONNECTED)]
    assert match([*calls, waiting("c", not_before_at=at(10))], [agent()], {}, at(5)) == ()
    busy = [agent(state.value, state) for state in AgentState if state is not AgentState.AVAILABLE]
    assert match([waiting()], busy, {}, at(5)) == ()


def test_the_end_of_a_wrap_up_needs_no_timer() -> None:
    after = perform(agent(state=AgentState.ON_CALL), Act.END, at(0), wrap_up_s=30)
    assert match([waiting()], [after], {}, at(29)) == ()
    assert match([waiting()], [after], {}, at(30))


def test_a_call_for_which_nobody_fits_holds_up_nobody() -> None:
    queues = {"support": QueueSettings(skills={"german": 3})}
    calls = [waiting("first"), waiting("second", "sales", after_s=1)]
    assert match(calls, [agent()], queues, at(5)) == (Pairing("second", "sales", ("anna",)),)


def test_longest_idle() -> None:
    assert names([agent("anna", idle_since_at=at(2)), agent("bert", idle_since_at=at(1))]) == ("bert",)


def test_round_robin_goes_by_the_last_offer() -> None:
    agents = [agent("anna", offered_at=at(9)), agent("bert", offered_at=at(8)), agent("cleo")]
    assert names(agents, "round_robin") == ("cleo",)
    assert names(agents[:2], "round_robin") == ("bert",)


def test_fewest_calls() -> None:
    agents = [
        agent("anna", calls_taken=3),
        agent("bert", calls_taken=2, idle_since_at=at(9)),
        agent("cleo", calls_taken=2),
    ]
    assert names(agents, "fewest_calls") == ("cleo",)


def test_ring_all_takes_everybody_who_fits() -> None:
    agents = [agent("cleo", skills={"german": 3}), agent("anna", skills={"german": 5}), agent("bert")]
    assert names(agents, "ring_all", skills={"german": 3}) == ("anna", "cleo")


def test_the_best_match_has_the_highest_levels_of_what_is_asked_for() -> None:
    agents = [
        agent("anna", skills={"german": 5, "billing": 4}),
        agent("bert", skills={"german": 9, "cooking": 10}),
        agent("cleo", skills={"german": 6, "billing": 4}, idle_since_at=at(50)),
    ]
    assert names(agents, "best_match", skills={"german": 3, "billing": 2}) == ("cleo",)


def test_a_call_may_ask_for_more_than_its_queue() -> None:
    queues = {"support": QueueSettings(skills={"billing": 2})}
    agents = [agent("anna", skills={"billing": 5}), agent("bert", skills={"billing": 2, "french": 1})]
    french = waiting(skills={"french": 1})
    assert match([french], agents, queues, at(5))[0].agents == ("bert",)


@pytest.mark.parametrize(
    ("level", "relax_every", "relax_to", "is_served"),
    [(5, "0s", 1, False), (3, "30s", 1, True), (2, "30s", 1, False), (1, "10s", 1, True), (0, "10s", 1, False)],
)
def test_levels_are_relaxed_with_the_wait(level: int, relax_every: str, relax_to: int, is_served: bool) -> None:
    only = [agent(skills={"german": level} if level else {})]
    found = names(only, "best_match", skills={"german": 6 if relax_every == "0s" else 5}, relax_every=relax_every)
    assert bool(found) is is_served


def test_in_the_end_anybody_may_do() -> None:
    rules = {"skills": {"german": 5}, "relax_every": "10s"}
    assert names([agent()], "best_match", relax_to=0, **rules) == ("anna",)


def test_nobody_is_asked_twice_about_a_call_that_they_declined() -> None:
    call = waiting(refused_by=("anna",))
    assert match([call], [agent("anna")], {}, at(5)) == ()
    assert match([call], [agent("anna"), agent("bert")], {}, at(5))[0].agents == ("bert",)
