"""A conversation says what the queue does: place and wait, an agent who answers, a queue that is full."""

from __future__ import annotations

import pytest

from ivr.flow.program import Program
from ivr.live_test.suitability import why_not_live
from ivr.rehearsal.coverage import coverage_of
from ivr.rehearsal.exits import exits_of
from ivr.rehearsal.fitting import misfits
from ivr.rehearsal.model import Conversation
from tests.rehearsal.files import played, read, small_flow

pytestmark = pytest.mark.unit

FLOW = """
flow: small
start: wait
commands: {again: {keys: "*", go: repeat}, office: {keys: "0", go: office}}
steps:
  wait:
    queue: {name: support, announce: "One moment.", callback_key: "2", tell_every: 30s}
    keys: {"1": message}
    full: busy
    callback: bye
    after: rate
    failed: sorry
  message: {say: "Speak after the tone.", next: hang_up}
  office: {say: "The office.", next: hang_up}
  busy: {say: "All lines are busy.", next: hang_up}
  bye: {say: "We call you back.", next: hang_up}
  rate: {say: "How was {{ queue.agent }}?", next: hang_up}
  sorry: {say: "Sorry.", next: hang_up}
"""
ANNA = "mock: {wait: {agent: anna, after: 60s, position: 3, wait: 4m}}"


@pytest.mark.parametrize(
    ("call", "rest"),
    [
        ("- hear: number three in the queue\n- hear: about four minutes", ANNA + "\nexpect: {end: transferred}"),
        ("- hear: One moment", ANNA + "\nexpect: {transferred_to: anna}"),
        ("- hear: One moment", "expect: {end: transferred}"),
        ("- hear: number three\n- press: '1'\n- hear: after the tone", ANNA + "\nexpect: {end: bot_hung_up}"),
        ("- hear: number three\n- press: '2'\n- hear: We call you back", ANNA),
        ("- hear: number three\n- press: '0'\n- hear: The office", ANNA),
        ("- hear: number three\n- press: '*'\n- hear: number three", ANNA),
        ("- hear: number three\n- wait: 5s\n- hang_up", ANNA + "\nexpect: {end: caller_hung_up}"),
        ("- hear: All lines are busy", "mock: {wait: full}"),
        ("- hear: Sorry", "mock: {wait: {outcome: too_long, after: 10m}}"),
        ("- hear: Sorry", "mock: {wait: failed}"),
        ("- hear: How was bob", "mock: {wait: {outcome: after, agent: bob, after: 40s, talk: 2m}}"),
    ],
)
def test_what_a_conversation_can_say_of_a_queue(call: str, rest: str) -> None:
    assert played(call, rest, FLOW).difference is None


def test_the_caller_is_told_again_until_the_agent_answers() -> None:
    result = played("- hear: number three", ANNA, FLOW)
    told = [turn for turn in result.turns if "number three" in turn.shown]
    assert len(told) == 2 and 60 < result.lasted_s < 65
    assert "(anna answers)" in [turn.shown for turn in result.turns]


def test_a_talk_lasts_as_long_as_the_mock_says() -> None:
    result = played("- hear: How was", "mock: {wait: {outcome: after, after: 40s, talk: 2m}}", FLOW)
    assert 160 < result.lasted_s < 170


def test_exits_of_a_queue_are_those_that_it_writes() -> None:
    exits = exits_of(small_flow(FLOW))
    assert exits.of["wait"] == {
        "1": "message",
        "full": "busy",
        "callback": "bye",
        "after": "rate",
        "failed": "sorry",
        "connected": "hang_up",
    }
    assert exits.stands_for["wait"] == {"too_long": "failed"}


@pytest.mark.parametrize(
    ("call", "rest", "exit_name"),
    [
        ("- hear: number three\n- press: '1'", ANNA, "1"),
        ("- hear: number three\n- press: '2'", ANNA, "callback"),
        ("- hear: One moment", ANNA, "connected"),
        ("- hear: All lines", "mock: {wait: full}", "full"),
        ("- hear: Sorry", "mock: {wait: too_long}", "failed"),
        ("- hear: How was", "mock: {wait: after}", "after"),
        ("- hear: number three\n- press: '0'", ANNA, ""),
    ],
)
def test_the_exit_that_a_call_took_is_covered(call: str, rest: str, exit_name: str) -> None:
    trail = played(call, rest, FLOW).trail.through("small")
    assert {name for step, name in trail.taken if step == "wait"} == ({exit_name} if exit_name else set())
    assert trail.commands == ({"office"} if not exit_name else set())
    assert coverage_of(small_flow(FLOW), "small.yaml", [trail]).tried_steps == (1 if exit_name == "connected" else 2)


@pytest.mark.parametrize(
    ("mock", "message"),
    [
        ("{wait: ful}", "a queue does not end with 'ful'"),
        ("{wait: {target: anna}}", "this step does not call 'anna'"),
        ("{busy: {agent: anna}}", "asks nobody outside"),
    ],
)
def test_what_does_not_fit_a_queue_is_found(mock: str, message: str) -> None:
    loaded = read(f"tests:\n  - name: one\n    mock: {mock}\n    call: [hear: One moment]\n")
    assert message in misfits(loaded, Program.of(small_flow(FLOW)))[0].message


def test_a_queue_is_not_played_by_telephone() -> None:
    wanted = played("- hear: One moment", ANNA, FLOW)
    test = Conversation(name="one")
    assert "waits in a queue" in why_not_live(test, wanted, None, has_voice=True)


def test_a_call_that_goes_round_in_circles_is_ended_and_said_to_be() -> None:
    circle = FLOW.replace('rate: {say: "How was {{ queue.agent }}?", next: hang_up}', "rate: {say: Again., next: wait}")
    result = played("- hear: Sorry", "mock: {wait: {outcome: after, agent: anna, after: 60s}}", circle)
    assert result.difference is not None and result.difference.expected == "the call comes to an end"
    assert result.difference.found == "after 4 hours it still goes rate → wait → rate → wait → rate → wait"
