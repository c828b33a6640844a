"""What the acts make of calls, agents and offers together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ivr.acd import floor as acts
from ivr.acd.agent import Act, Agent, AgentState
from ivr.acd.events import EventKind
from ivr.acd.floor import DECLINED, Floor
from ivr.acd.queue import CallState, WaitingCall
from ivr.config_queues import QueueSettings, Strategy
from tests.acd.scene import agent, at, waiting

pytestmark = pytest.mark.unit


def floor_with(*calls: WaitingCall, agents: tuple[Agent, ...] = (agent(),), **rules: object) -> Floor:
    floor = Floor({"support": QueueSettings.model_validate(rules)}, {each.name: each for each in agents})
    for call in calls:
        acts.enter(floor, call, call.entered_at)
    return floor


def states(floor: Floor) -> dict[str, str]:
    return {each.name: each.state.value for each in floor.agents.values()}


def kinds(floor: Floor) -> list[str]:
    return [event.kind.value for event in floor.events if event.kind is not EventKind.AGENT]


def offered(strategy: Strategy = "longest_idle", *names: str) -> Floor:
    """One call, offered after 10 s."""
    floor = floor_with(waiting(), agents=tuple(map(agent, names or ("anna",))), strategy=strategy)
    acts.offer_all(floor, at(10), "host/1")
    return floor


def test_a_call_from_entering_to_the_wrap_up() -> None:
    floor = offered()
    assert (states(floor), floor.calls["c1"].state) == ({"anna": "reserved"}, CallState.OFFERED)
    assert acts.connect(floor, "anna#1", at(14))
    assert (states(floor), floor.calls["c1"].connected_at) == ({"anna": "on_call"}, at(14))
    acts.end(floor, "c1", at(74))
    assert (states(floor), floor.calls, floor.offers) == ({"anna": "wrap_up"}, {}, {})
    assert kinds(floor) == ["entered", "offered", "connected", "ended"]
    assert [event.seconds for event in floor.events if event.kind is EventKind.CONNECTED] == [14]
    assert [event.seconds for event in floor.events if event.kind is EventKind.ENDED] == [60]


def test_a_call_that_enters_twice_waits_once() -> None:
    floor = floor_with(waiting(), waiting())
    assert kinds(floor) == ["entered"]


def test_who_finds_the_queue_full_is_turned_away() -> None:
    floor = floor_with(waiting("c1"), max_length=1)
    assert acts.enter(floor, waiting("c2", after_s=1), at(1)) is None
    assert (list(floor.calls), kinds(floor)[-1], floor.events[-1].detail) == (["c1"], "left", "full")


def test_a_talk_makes_room_for_the_next_caller() -> None:
    floor = floor_with(waiting("c1", state=CallState.CONNECTED), max_length=1)
    assert acts.enter(floor, waiting("c2", after_s=1), at(1)) == "support"


def test_a_full_queue_sends_callers_on_with_their_place() -> None:
    floor = floor_with(waiting("c1"), max_length=1, overflow="backup")
    assert acts.enter(floor, waiting("c2", after_s=1), at(3)) == "backup"
    call = floor.calls["c2"]
    assert (call.queue, call.arrived_at, call.entered_at) == ("backup", at(1), at(3))
    assert kinds(floor) == ["entered", "entered", "moved", "entered"]


def test_who_has_waited_too_long_goes_to_the_other_queue_if_that_has_room() -> None:
    floor = floor_with(waiting("c1"), waiting("c2", after_s=5), max_wait="60s", overflow="backup")
    floor.queues = {**floor.queues, "backup": QueueSettings(max_length=1)}
    acts.move_overdue(floor, at(59))
    assert {call.queue for call in floor.calls.values()} == {"support"}
    acts.move_overdue(floor, at(70))
    assert {name: call.queue for name, call in floor.calls.items()} == {"c1": "backup", "c2": "support"}


@pytest.mark.parametrize(
    ("after_s", "exit_name", "kind"),
    [(3, "", "short_abandoned"), (30, "", "abandoned"), (30, "voicemail", "left"), (3, "voicemail", "left")],
)
def test_a_caller_who_goes_frees_the_agent(after_s: float, exit_name: str, kind: str) -> None:
    floor = floor_with(waiting())
    acts.offer_all(floor, at(1), "host/1")
    assert acts.leave(floor, "c1", at(after_s), exit_name)
    assert (floor.calls, floor.offers, states(floor)) == ({}, {}, {"anna": "available"})
    assert (kinds(floor)[-1], floor.events[-1].detail, floor.events[-1].seconds) == (kind, exit_name, after_s)


def test_nobody_leaves_a_talk_as_if_waiting() -> None:
    floor = offered()
    acts.connect(floor, "anna#1", at(14))
    assert not acts.leave(floor, "c1", at(15))
    assert not acts.ask_callback(floor, "c1", "+49301", at(15))
    assert floor.calls["c1"].state is CallState.CONNECTED


def test_of_all_who_ring_the_first_to_answer_has_the_call() -> None:
    floor = offered("ring_all", "anna", "bert", "cleo")
    assert set(states(floor).values()) == {"reserved"}
    assert acts.connect(floor, "bert#1", at(14))
    assert not acts.connect(floor, "anna#1", at(14))
    assert states(floor) == {"anna": "available", "bert": "on_call", "cleo": "available"}
    assert list(floor.offers) == ["bert#1"]


def test_where_all_ring_silence_is_no_fault() -> None:
    floor = offered("ring_all", "anna", "bert")
    acts.refuse(floor, "anna#1", at(30), "no_answer")
    assert (floor.calls["c1"].state, states(floor)["anna"]) == (CallState.OFFERED, "available")
    acts.refuse(floor, "bert#1", at(30), "no_answer")
    assert floor.calls["c1"].state is CallState.WAITING


def test_who_does_not_answer_is_paused_and_the_call_goes_to_the_next() -> None:
    floor = offered("longest_idle", "anna", "bert")
    acts.refuse(floor, "anna#1", at(30), "no_answer")
    assert (floor.agents["anna"].state, floor.agents["anna"].reason) == (AgentState.PAUSED, "no_answer")
    acts.offer_all(floor, at(30), "host/1")
    assert list(floor.offers) == ["bert#1"]


def test_who_declines_is_asked_for_other_calls_only() -> None:
    floor = offered()
    acts.refuse(floor, "anna#1", at(12), DECLINED)
    acts.offer_all(floor, at(12), "host/1")
    assert (floor.offers, states(floor)) == ({}, {"anna": "available"})
    acts.enter(floor, waiting("c2", after_s=13), at(13))
    acts.offer_all(floor, at(13), "host/1")
    assert [offer.call_id for offer in floor.offers.values()] == ["c2"]


def test_a_late_answer_to_an_old_offer_is_none() -> None:
    floor = offered()
    acts.refuse(floor, "anna#1", at(30), "no_answer")
    acts.agent_acts(floor, "anna", Act.READY, at(31))
    acts.offer_all(floor, at(31), "host/1")
    assert list(floor.offers) == ["anna#2"]
    assert not acts.connect(floor, "anna#1", at(32))
    acts.refuse(floor, "anna#1", at(32), "no_answer")
    assert (states(floor), list(floor.offers)) == ({"anna": "reserved"}, ["anna#2"])


@pytest.mark.parametrize("act", [Act.PAUSE, Act.LOG_OUT])
def test_an_agent_who_goes_gives_the_call_back(act: Act) -> None:
    floor = offered()
    acts.agent_acts(floor, "anna", act, at(12), "lunch")
    assert (floor.calls["c1"].state, floor.offers) == (CallState.WAITING, {})
    assert (kinds(floor)[-1], floor.events[-1].detail) == ("missed", f"agent {act}")


def test_an_agent_who_wants_to_go_during_a_talk_keeps_the_caller() -> None:
    floor = offered()
    acts.connect(floor, "anna#1", at(14))
    acts.agent_acts(floor, "anna", Act.PAUSE, at(20), "lunch")
    assert (list(floor.offers), states(floor)) == (["anna#1"], {"anna": "on_call"})
    acts.end(floor, "c1", at(60))
    acts.settle(floor, at(90))
    assert (floor.agents["anna"].state, floor.agents["anna"].reason) == (AgentState.PAUSED, "lunch")


def test_a_callback_keeps_its_place_and_is_dialled_by_whoever_is_there() -> None:
    floor = floor_with(waiting("c1"), waiting("c2", after_s=1), agents=())
    assert acts.ask_callback(floor, "c1", "+49301", at(20))
    floor.agents["anna"] = agent()
    acts.offer_all(floor, at(60), "host/2")
    assert [(offer.call_id, offer.owner) for offer in floor.offers.values()] == [("c1", "host/2")]
    acts.connect(floor, "anna#1", at(80))
    assert floor.events[-1].detail == "callback"


def test_who_cannot_be_called_back_is_tried_again_later_and_then_given_up() -> None:
    rules = {"callback_tries": 2, "callback_again_after": "60s"}
    floor = floor_with(waiting(), agents=(), **rules)
    acts.ask_callback(floor, "c1", "+49301", at(5))
    floor.agents["anna"] = agent()
    acts.offer_all(floor, at(10), "host/1")
    assert floor.offers == {}, "the caller still holds the line"
    acts.offer_all(floor, at(15), "host/1")
    acts.postpone(floor, "c1", at(30))
    assert (states(floor), floor.calls["c1"].owner) == ({"anna": "available"}, "")
    acts.offer_all(floor, at(89), "host/1")
    assert floor.offers == {}
    acts.offer_all(floor, at(90), "host/1")
    acts.postpone(floor, "c1", at(95))
    assert (floor.calls, floor.events[-1].detail) == ({}, "not_reached")


def test_a_call_whose_process_has_no_line_left_for_the_agent_holds_up_nobody() -> None:
    calls = (waiting("c1"), waiting("c2", after_s=1), waiting("c3", after_s=2, owner="host/2"))
    floor = floor_with(*calls, agents=(agent(),))
    acts.offer_all(floor, at(2), "host/1")
    acts.refuse(floor, "anna#1", at(4), acts.NO_LEG)
    acts.offer_all(floor, at(5), "host/1")
    assert [offer.call_id for offer in floor.offers.values()] == ["c3"], "the other one has no line either"
    acts.leave(floor, "c3", at(6))
    acts.offer_all(floor, at(9), "host/1")
    assert [offer.call_id for offer in floor.offers.values()] == ["c1"], "the place is kept, the agent not at fault"


def test_a_queue_may_call_nobody_back() -> None:
    floor = floor_with(waiting(), callback_tries=0)
    assert not acts.ask_callback(floor, "c1", "+49301", at(5))


def test_a_dead_process_takes_its_callers_along_and_frees_their_agents() -> None:
    calls = (
        waiting("waits"),
        waiting("rings", after_s=-2),
        waiting("talks", after_s=-3),
        waiting("other", owner="host/2"),
    )
    floor = floor_with(*calls, agents=(agent("anna"), agent("bert")))
    acts.offer_all(floor, at(1), "host/1")
    acts.connect(floor, "anna#1", at(2))
    acts.lose(floor, ["host/1"], at(60))
    assert (list(floor.calls), floor.offers) == (["other"], {})
    assert states(floor) == {"anna": "wrap_up", "bert": "available"}
    assert [event.kind.value for event in floor.events if event.at == at(60) and event.call_id] == [
        "lost",
        "lost",
        "ended",
    ]


def test_a_callback_outlives_the_process_that_rang_for_it() -> None:
    floor = floor_with(waiting(), agents=())
    acts.ask_callback(floor, "c1", "+49301", at(5))
    floor.agents["anna"] = agent()
    acts.offer_all(floor, at(15), "host/1")
    acts.lose(floor, ["host/1"], at(60))
    assert (floor.calls["c1"].state, floor.calls["c1"].owner, floor.offers) == (CallState.WAITING, "", {})
    assert states(floor) == {"anna": "available"}


def test_the_time_in_each_state_is_kept() -> None:
    floor = offered()
    acts.connect(floor, "anna#1", at(14))
    acts.end(floor, "c1", at(74))
    acts.settle(floor, at(200))
    lasted = [(e.detail, e.seconds, e.queue, e.at) for e in floor.events if e.kind is EventKind.AGENT]
    assert lasted == [
        ("available", 10, "", at(10)),
        ("reserved", 4, "support", at(14)),
        ("on_call", 60, "support", at(74)),
        ("wrap_up", 30, "support", at(104)),
    ]


def test_what_is_over_can_be_ended_again() -> None:
    floor = offered()
    acts.end(floor, "c1", at(12))
    acts.postpone(floor, "c1", at(12))
    assert floor.calls["c1"] == replace(waiting(), state=CallState.OFFERED)
