"""Agents: every state with every act, and what else an act changes."""

from __future__ import annotations

import itertools

import pytest

from ivr.acd.agent import Act, AgentState, offer_id, perform, settled
from ivr.acd.wishes import act_in_room
from ivr.errors import ActRefused
from tests.acd.scene import BEGIN, agent, at

pytestmark = pytest.mark.unit

S = AgentState

# What each act leads to; one that is not named is refused.
TABLE: dict[AgentState, dict[str, AgentState]] = {
    S.LOGGED_OUT: {"log_in": S.AVAILABLE},
    S.AVAILABLE: {"log_out": S.LOGGED_OUT, "pause": S.PAUSED, "ready": S.AVAILABLE, "offer": S.RESERVED},
    S.RESERVED: {
        "log_out": S.LOGGED_OUT,
        "pause": S.PAUSED,
        "release": S.AVAILABLE,
        "miss": S.PAUSED,
        "connect": S.ON_CALL,
    },
    S.ON_CALL: {"log_out": S.ON_CALL, "pause": S.ON_CALL, "ready": S.ON_CALL, "end": S.WRAP_UP},
    S.WRAP_UP: {"log_out": S.LOGGED_OUT, "pause": S.PAUSED, "ready": S.AVAILABLE, "stay": S.WRAP_UP},
    S.PAUSED: {"log_out": S.LOGGED_OUT, "pause": S.PAUSED, "ready": S.AVAILABLE},
}


@pytest.mark.parametrize(("state", "act"), list(itertools.product(S, Act)))
def test_every_state_with_every_act(state: AgentState, act: Act) -> None:
    before = agent(state=state)
    expected = TABLE[state].get(act.value)
    if expected is None:
        with pytest.raises(ActRefused, match=rf"agent anna is {state}: {act} needs "):
            perform(before, act, at(5))
    else:
        assert perform(before, act, at(5), wrap_up_s=10).state is expected
    assert before == agent(state=state)


def test_a_wrap_up_lasts_until_the_agent_ends_it_who_stays() -> None:
    working = perform(agent(state=S.ON_CALL), Act.END, at(60), wrap_up_s=30)
    stayed = perform(working, Act.STAY, at(70))
    assert (stayed.state, stayed.since_at) == (S.WRAP_UP, at(60))
    assert settled(stayed, at(5000)).state is S.WRAP_UP
    assert perform(stayed, Act.READY, at(5000)).state is S.AVAILABLE


def test_who_goes_into_a_video_room_is_offered_no_call() -> None:
    acts = {state: act_in_room(agent(state=state)) for state in S}
    assert {state: act for state, act in acts.items() if act} == {S.WRAP_UP: Act.STAY, S.AVAILABLE: Act.PAUSE}


def test_a_refusal_says_which_states_would_do() -> None:
    with pytest.raises(ActRefused, match="agent anna is available: connect needs reserved"):
        perform(agent(), Act.CONNECT, at(1))


def test_a_call_from_offer_to_wrap_up() -> None:
    offered = perform(agent(), Act.OFFER, at(10), queue="support")
    assert (offered.queue, offered.offered_at, offer_id(offered)) == ("support", at(10), "anna#1")
    talking = perform(offered, Act.CONNECT, at(15))
    assert (talking.since_at, talking.calls_taken, talking.queue) == (at(15), 1, "support")
    after = perform(talking, Act.END, at(75), wrap_up_s=30)
    assert (after.state, after.until_at, after.idle_since_at) == (S.WRAP_UP, at(105), at(75))
    assert settled(after, at(104)) == after
    free = settled(after, at(200))
    assert (free.state, free.since_at, free.until_at, free.queue) == (S.AVAILABLE, at(105), None, "")


def test_without_wrap_up_an_agent_is_free_at_once() -> None:
    assert perform(agent(state=S.ON_CALL), Act.END, at(60)).state is S.AVAILABLE


@pytest.mark.parametrize(("act", "reason", "state"), [(Act.PAUSE, "lunch", S.PAUSED), (Act.LOG_OUT, "", S.LOGGED_OUT)])
def test_who_wants_to_go_during_a_call_goes_after_it(act: Act, reason: str, state: AgentState) -> None:
    wished = perform(agent(state=S.ON_CALL), act, at(10), reason=reason)
    assert (wished.state, wished.since_at, wished.then) == (S.ON_CALL, BEGIN, state)
    after = perform(wished, Act.END, at(60), wrap_up_s=30)
    assert after.state is S.WRAP_UP
    gone = settled(after, at(90))
    assert (gone.state, gone.reason, gone.since_at, gone.then) == (state, reason, at(90), None)


def test_who_has_thought_better_of_it_stays() -> None:
    wished = perform(agent(state=S.ON_CALL), Act.PAUSE, at(10), reason="lunch")
    assert perform(perform(wished, Act.READY, at(20)), Act.END, at(60)).state is S.AVAILABLE


def test_a_pause_has_a_reason_and_a_beginning() -> None:
    lunch = perform(agent(), Act.PAUSE, at(10), reason="lunch")
    assert perform(lunch, Act.PAUSE, at(20), reason="lunch") == lunch
    meeting = perform(lunch, Act.PAUSE, at(20), reason="meeting")
    assert (meeting.reason, meeting.since_at) == ("meeting", at(20))
    back = perform(meeting, Act.READY, at(30))
    assert (back.state, back.reason, back.idle_since_at) == (S.AVAILABLE, "", BEGIN)


def test_an_agent_who_is_available_may_say_so_again() -> None:
    assert perform(agent(), Act.READY, at(10)) == agent()


def test_a_log_in_begins_the_count_of_calls_anew() -> None:
    tired = agent(state=S.LOGGED_OUT, calls_taken=40, offers_made=50)
    fresh = perform(tired, Act.LOG_IN, at(10))
    assert (fresh.calls_taken, fresh.offers_made, fresh.idle_since_at) == (0, 50, at(10))


def test_an_act_after_the_end_of_the_wrap_up_is_one_of_a_free_agent() -> None:
    after = perform(agent(state=S.ON_CALL), Act.END, at(0), wrap_up_s=30)
    assert perform(after, Act.OFFER, at(31)).state is S.RESERVED
