"""The queueing machine: every state with every event, and the stories that they make."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest

from ivr.acd.floor import DECLINED, NO_LEG, Ring
from ivr.acd.queue import CallState
from ivr.acd.standing import Standing
from ivr.calls import queueing_commands as c
from ivr.calls import queueing_events as e
from ivr.calls import transfer_commands as t
from ivr.calls import transfer_events as te
from ivr.calls.queueing import LATE_LOOKS, LEFT_EARLY, QueueingState, QueueMachine, advance
from ivr.calls.reaching import Welcome
from ivr.config_queues import QueueSettings
from ivr.flow.events import QueueOutcome as Outcome

pytestmark = pytest.mark.unit

S = QueueingState
QUEUES = {
    "sales": QueueSettings(ring_for=12.0, strategy="ring_all"),
    "day": QueueSettings(overflow="sales", max_wait=60.0),
}
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def ring(agent: str, number: int = 1) -> Ring:
    return Ring(f"{agent}#{number}", "call", "sales", agent, f"sip:{agent}@pbx", "", NOON)


ANNA, BEN = ring("anna"), ring("ben")


def stands(*, is_late: bool = False, state: CallState = CallState.WAITING, queue: str = "sales") -> e.StandingTold:
    return e.StandingTold(Standing(queue, state, 1, 60.0, is_late))


EVENTS: dict[str, e.QueueingEvent] = {
    "entered": e.Entered("sales"),
    "full": e.Entered(None),
    "entry_failed": e.EntryFailed("away"),
    "offered": e.Offered((ANNA,)),
    "no_offer": e.Offered(()),
    "ringing": te.TargetRinging(0),
    "answered": te.TargetAnswered(0),
    "pressed": te.TargetPressed(0, "*"),
    "busy": te.TargetEnded(0, 486),
    "target_time": te.TargetTimeOver(0),
    "ours": e.ConnectTold(True),
    "not_ours": e.ConnectTold(False),
    "not_known": e.ConnectTold(None),
    "stands": stands(),
    "late": stands(is_late=True),
    "forgotten": e.StandingTold(None),
    "connected": stands(state=CallState.CONNECTED),
    "wants_out": e.WantsOut("voicemail"),
    "wants_callback": e.WantsCallback("4711"),
    "left": e.LeaveTold(True),
    "not_left": e.LeaveTold(False),
    "away": e.QueuesAway(),
    "caller_ended": te.CallerEnded(),
}

WAY: dict[S, tuple[str, ...]] = {
    S.ENTERING: (),
    S.WAITING: ("entered",),
    S.RINGING: ("entered", "offered"),
    S.CONNECTING: ("entered", "offered", "answered"),
    S.TALKING: ("entered", "offered", "answered", "ours"),
    S.LEAVING: ("entered", "wants_out"),
    S.DONE: ("entered", "caller_ended"),
}
"""How each state is reached."""

GO = "SetTargetTimer HangUpTarget"
TABLE: dict[S, dict[str, tuple[S, str]]] = {
    S.ENTERING: {
        "entered": (S.WAITING, ""),
        "full": (S.DONE, "Over:full"),
        "entry_failed": (S.DONE, "Over:failed"),
        "wants_out": (S.ENTERING, ""),
        "wants_callback": (S.ENTERING, ""),
        "caller_ended": (S.DONE, "Withdraw"),
    },
    S.WAITING: {
        "offered": (S.RINGING, "SetTargetTimer DialTarget"),
        "no_offer": (S.WAITING, ""),
        "stands": (S.WAITING, ""),
        "late": (S.LEAVING, "Leave:too_long"),
        "forgotten": (S.ENTERING, "Enter"),
        "connected": (S.ENTERING, "EndTalk Enter"),
        "wants_out": (S.LEAVING, "Leave:voicemail"),
        "wants_callback": (S.LEAVING, "AskCallback:4711"),
        "away": (S.DONE, "Withdraw Over:failed"),
        "caller_ended": (S.DONE, "Withdraw"),
    },
    S.RINGING: {
        "offered": (S.RINGING, ""),
        "no_offer": (S.WAITING, GO),
        "ringing": (S.RINGING, ""),
        "answered": (S.CONNECTING, "SetTargetTimer Connect"),
        "busy": (S.WAITING, "SetTargetTimer Refuse:busy"),
        "target_time": (S.WAITING, f"{GO} Refuse:unreachable"),
        "stands": (S.RINGING, ""),
        "late": (S.LEAVING, f"{GO} Leave:too_long"),
        "forgotten": (S.ENTERING, f"{GO} Enter"),
        "connected": (S.ENTERING, f"EndTalk {GO} Enter"),
        "wants_out": (S.LEAVING, f"{GO} Leave:voicemail"),
        "wants_callback": (S.LEAVING, f"{GO} AskCallback:4711"),
        "away": (S.DONE, f"{GO} Withdraw Over:failed"),
        "caller_ended": (S.DONE, f"{GO} Withdraw"),
    },
    S.CONNECTING: {
        "busy": (S.CONNECTING, ""),
        "ours": (S.TALKING, "JoinLegs TalkBegins"),
        "not_ours": (S.WAITING, GO),
        "not_known": (S.WAITING, GO),
        "wants_out": (S.CONNECTING, ""),
        "wants_callback": (S.CONNECTING, ""),
        "caller_ended": (S.DONE, f"{GO} Withdraw"),
    },
    S.TALKING: {
        "busy": (S.DONE, "EndTalk HangUpCaller Over:connected/agent"),
        "caller_ended": (S.DONE, "HangUpTarget EndTalk Over:connected/caller"),
    },
    S.LEAVING: {
        "left": (S.DONE, "Over:left"),
        "not_left": (S.DONE, "Over:left"),
        "caller_ended": (S.DONE, ""),
    },
    S.DONE: {},
}
"""What each event leads to; one that is not named changes nothing."""


def told(command: c.QueueingCommand) -> str:
    name = type(command).__name__
    match command:
        case c.Over(outcome=outcome, ended_by=ended_by):
            return f"Over:{outcome}" + (f"/{ended_by}" if ended_by else "")
        case c.Refuse(reason=detail) | c.Leave(exit_name=detail) | c.AskCallback(number=detail):
            return f"{name}:{detail}"
    return name


def all_told(commands: tuple[c.QueueingCommand, ...]) -> str:
    return " ".join(told(command) for command in commands)


def after(*events: e.QueueingEvent, **ways: Any) -> tuple[QueueMachine, str]:
    """Where events lead from the beginning, and what the last one asks for."""
    ways.setdefault("welcome", Welcome())
    machine, commands = QueueMachine(QUEUES, **ways), ()
    for event in events:
        machine, commands = advance(machine, event)  # type: ignore[assignment]
    return machine, all_told(commands)


def in_state(state: S) -> QueueMachine:
    return after(*(EVENTS[name] for name in WAY[state]))[0]


@pytest.mark.parametrize(("state", "event"), list(itertools.product(TABLE, EVENTS)), ids=str)
def test_every_state_with_every_event(state: S, event: str) -> None:
    before = in_state(state)
    assert before.state is state
    now, commands = advance(before, EVENTS[event])
    expected_state, expected = TABLE[state].get(event, (state, ""))
    assert (now.state, all_told(commands)) == (expected_state, expected)
    if event not in TABLE[state]:
        assert now == before


def test_the_table_names_every_state() -> None:
    assert set(TABLE) == set(WAY) == set(S)


def test_an_agent_is_called_as_long_as_the_queue_says() -> None:
    _, commands = advance(in_state(S.WAITING), EVENTS["offered"])
    assert t.SetTargetTimer(0, 12.0) in commands


def test_an_offer_that_was_refused_is_not_rung_again_though_the_queues_name_it_once_more() -> None:
    machine, commands = after(EVENTS["entered"], EVENTS["offered"], EVENTS["busy"], EVENTS["offered"])
    assert (machine.state, commands) == (S.WAITING, "")
    machine, commands = after(EVENTS["entered"], EVENTS["offered"], EVENTS["busy"], e.Offered((ring("anna", 2),)))
    assert (machine.state, commands) == (S.RINGING, "SetTargetTimer DialTarget")


def test_an_offer_whose_answer_got_lost_is_rung_again_when_the_queues_are_back() -> None:
    asked = (EVENTS["entered"], EVENTS["offered"], EVENTS["answered"], e.ConnectTold(None))
    assert after(*asked, EVENTS["offered"])[1] == "SetTargetTimer DialTarget"


@pytest.mark.parametrize(
    ("news", "reason"),
    [
        ((te.TargetRinging(0), te.TargetEnded(0, 603)), DECLINED),
        ((te.TargetRinging(0), te.TargetEnded(0, 403, 21)), DECLINED),
        ((te.TargetEnded(0, 403),), "refused"),
        ((te.TargetRinging(0), te.TargetEnded(0, 486)), "busy"),
        ((te.TargetRinging(0), te.TargetTimeOver(0)), "no_answer"),
        ((te.TargetEnded(0, 480),), "no_answer"),
        ((te.TargetEnded(0, 404),), "unknown"),
    ],
)
def test_why_an_agent_did_not_take_it(news: tuple[te.TargetEvent, ...], reason: str) -> None:
    machine, commands = after(EVENTS["entered"], EVENTS["offered"], *news)
    assert machine.state is S.WAITING
    assert commands.split()[-1] == f"Refuse:{reason}"


def test_an_agent_who_hangs_up_during_the_whisper_has_declined() -> None:
    hung_up = (EVENTS["entered"], EVENTS["offered"], EVENTS["answered"], te.TargetEnded(0, 200))
    assert after(*hung_up, welcome=Welcome(has_whisper=True))[1].endswith(f"Refuse:{DECLINED}")


def test_what_answers_and_presses_no_key_is_no_agent() -> None:
    silent = (EVENTS["entered"], EVENTS["offered"], EVENTS["answered"], te.TargetTimeOver(0))
    assert after(*silent, welcome=Welcome(needs_key=True))[1].endswith("Refuse:not_accepted")
    pressed = (*silent[:3], te.TargetPressed(0, "1"))
    assert after(*pressed, welcome=Welcome(needs_key=True))[1].endswith("Connect")


def test_that_the_bot_has_no_leg_is_not_the_agents_fault() -> None:
    no_leg = te.TargetEnded(0, 503, reason="no free leg", had_no_leg=True)
    machine, commands = after(EVENTS["entered"], EVENTS["offered"], no_leg)
    assert (machine.state, commands) == (S.WAITING, f"SetTargetTimer Refuse:{NO_LEG}")


def test_who_finds_no_leg_while_others_ring_is_tried_again() -> None:
    no_leg = te.TargetEnded(1, 503, reason="no free leg", had_no_leg=True)
    assert after(*BOTH, no_leg, te.TargetTimeOver(1))[1] == "SetTargetTimer DialTarget"


BOTH = (EVENTS["entered"], e.Offered((ANNA, BEN)))


def test_of_several_agents_the_first_has_the_caller_and_the_others_are_let_go() -> None:
    machine, commands = after(*BOTH, te.TargetAnswered(1), e.ConnectTold(True))
    assert commands == f"{GO} JoinLegs TalkBegins"
    assert machine.ring_of(1) is BEN
    assert advance(machine, te.TargetEnded(0, 487)) == (machine, ())


def test_the_second_agent_who_is_ready_has_the_caller_where_the_first_may_not() -> None:
    ready = (*BOTH, te.TargetAnswered(1), te.TargetAnswered(0))
    assert after(*ready)[1] == "SetTargetTimer"
    machine, commands = after(*ready, e.ConnectTold(False))
    assert (machine.state, commands) == (S.CONNECTING, f"{GO} Connect")
    assert machine.agent is not None and machine.agent.ring is ANNA


def test_a_second_agent_who_was_ready_and_hung_up_is_refused() -> None:
    ready = (*BOTH, te.TargetAnswered(1), te.TargetAnswered(0), te.TargetEnded(0, 200))
    assert after(*ready)[1] == f"Refuse:{LEFT_EARLY}"


def test_an_agent_who_hung_up_while_the_queues_were_asked_gives_the_caller_his_place_back() -> None:
    gone = (*WAY[S.CONNECTING], "busy")
    machine, commands = after(*(EVENTS[name] for name in gone), e.ConnectTold(True))
    assert (machine.state, commands) == (S.ENTERING, "EndTalk Enter")


def test_what_the_caller_wants_while_an_agent_is_connected_is_done_only_if_that_fails() -> None:
    wanting = (*(EVENTS[name] for name in WAY[S.CONNECTING]), EVENTS["wants_out"])
    assert after(*wanting, e.ConnectTold(False))[1] == f"{GO} Leave:voicemail"
    machine, _ = after(*wanting, e.ConnectTold(True))
    assert machine.state is S.TALKING and machine.wish is None


def test_what_the_caller_wants_while_entering_is_done_afterwards() -> None:
    assert after(EVENTS["wants_out"], EVENTS["entered"])[1] == "Leave:voicemail"


def test_who_has_waited_too_long_waits_for_the_overflow_to_have_room_but_not_for_ever() -> None:
    late = stands(is_late=True, queue="day")
    machine, _ = after(EVENTS["entered"], *[late] * (LATE_LOOKS - 1))
    assert machine.state is S.WAITING
    assert after(EVENTS["entered"], *[late] * LATE_LOOKS)[1] == "Leave:too_long"
    assert after(EVENTS["entered"], EVENTS["late"], e.LeaveTold(True))[1] == f"Over:{Outcome.TOO_LONG}"


def test_a_call_back_has_to_be_promised() -> None:
    asked = (EVENTS["entered"], EVENTS["wants_callback"])
    assert after(*asked, e.LeaveTold(True))[1] == f"Over:{Outcome.CALLBACK}"
    assert after(*asked, e.LeaveTold(False))[1] == f"Over:{Outcome.FAILED}"


TALK = tuple(EVENTS[name] for name in WAY[S.TALKING])


def test_the_flow_goes_on_after_the_talk_where_it_says_so() -> None:
    assert after(*TALK, te.TargetEnded(0, 200), comes_back=True)[1] == f"EndTalk Over:{Outcome.AFTER}/agent"
    returned = after(*TALK, te.TargetPressed(0, "*"), return_key="*")[1]
    assert returned == f"HangUpTarget EndTalk Over:{Outcome.RETURNED}/agent"
    assert after(*TALK, te.TargetPressed(0, "#"), return_key="*")[0].state is S.TALKING
