"""Callers who wait in queues: what they hear, which agent's telephone rings, and what is told to flow and queues."""

from __future__ import annotations

import pytest

from ivr.acd.agent import Act, AgentState
from ivr.acd.events import EventKind
from ivr.calls.hold_sound import HoldSound
from ivr.calls.queue_visit import LOOK_S
from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.flow.segments import Speech
from ivr.ports import metrics
from ivr.ports.queues import TICK_S
from tests.calls.queue_hall import MUSIC, Caller, Hall, in_a_hall

pytestmark = pytest.mark.unit

TOLD = (Speech("You are first.", "en-US"),)
WHISPER = (Speech("A caller.", "en-US"),)


async def talking(hall: Hall, **asked: object) -> tuple[Caller, str]:
    """A caller and the leg of anna, joined."""
    await hall.agent("anna")
    caller = await hall.caller(**asked)  # type: ignore[arg-type]
    leg, _ = hall.dialled()[-1]
    hall.telephony.pick_up(leg)
    await hall.after()
    assert hall.telephony.joined_to(caller.leg) == leg
    return caller, leg


@in_a_hall
async def test_a_caller_hears_music_until_an_agent_is_free_and_talks_then(hall: Hall) -> None:
    caller = await hall.caller()
    assert hall.telephony.playing(caller.leg) == "hold"
    await hall.after(40.0)
    assert hall.figure(metrics.QUEUE_WAITING, "sales") == 1
    await hall.agent("anna")
    await hall.after(TICK_S)
    (leg, request) = hall.dialled()[0]
    assert (request.uri, request.account) == ("sip:anna@pbx", "trunk")
    assert hall.state_of("anna") is AgentState.RESERVED
    assert hall.plays(caller.leg) == [("hold", 0.0)], "it does not begin anew when it rings"
    hall.telephony.pick_up(leg)
    await hall.after()
    assert hall.telephony.joined_to(caller.leg) == leg
    assert hall.state_of("anna") is AgentState.ON_CALL
    assert [event for event in caller.told if isinstance(event, e.QueueConnected)] == [
        e.QueueConnected(hall.clock.monotonic_s(), "anna", 41.0, "sales")
    ]
    assert hall.figure(metrics.QUEUE_WAITING, "sales") == 0
    await hall.after(60.0)
    hall.telephony.end(leg)
    await hall.after()
    assert (caller.outcome, caller.ended_by, caller.queueing.agent) == ("connected", "agent", "anna")
    assert hall.state_of("anna") is AgentState.WRAP_UP
    assert caller.leg not in hall.telephony.live_legs


@in_a_hall
async def test_the_agent_is_told_who_waited_how_long_and_for_what(hall: Hall) -> None:
    await hall.caller(context={"caller": "+4930111", "flow": "desk", "wait_s": 0}, answers={"account": "4711"})
    await hall.after(9.0)
    await hall.agent("anna")
    await hall.after(TICK_S)
    headers = hall.dialled()[0][1].headers
    assert (headers["X-IVR-Caller"], headers["X-IVR-Queue"], headers["X-IVR-Wait-S"]) == ("+4930111", "sales", "10")
    assert headers["X-IVR-Answer-Account"] == "4711"
    (call,) = hall.queues.floor.calls.values()
    assert call.context == {"caller": "+4930111", "flow": "desk", "answers": {"account": "4711"}}


@in_a_hall
async def test_an_agent_who_hears_a_whisper_and_has_to_press_a_key_is_joined_with_that(hall: Hall) -> None:
    await hall.agent("anna")
    caller = await hall.caller(whisper=WHISPER, needs_key=True)
    leg, _ = hall.dialled()[0]
    hall.telephony.pick_up(leg)
    await hall.after(3.0)
    assert hall.plays(leg) == [("whisper", 0.0)] and hall.telephony.joined_to(caller.leg) == ""
    hall.telephony.press(leg, "1")
    await hall.after()
    assert hall.telephony.joined_to(caller.leg) == leg


@in_a_hall
async def test_a_prompt_interrupts_the_music_which_goes_on_where_it_was(hall: Hall) -> None:
    caller = await hall.caller()
    await hall.after(2.5)
    caller.player.play("p1", TOLD)
    await hall.after(5.0)
    assert hall.telephony.playing(caller.leg) == "hold"
    await hall.after(1.0)
    caller.player.play("p2", TOLD)
    caller.player.stop()
    assert hall.plays(caller.leg) == [("hold", 0.0), ("p1", 0.0), ("hold", 2.5), ("p2", 0.0), ("hold", 7.267)]


@in_a_hall
async def test_a_prompt_that_cannot_be_played_leaves_the_music(hall: Hall) -> None:
    caller = await hall.caller()
    caller.player.play("p1", TOLD)
    caller.player.failed()
    assert hall.telephony.playing(caller.leg) == "hold"


@in_a_hall
async def test_a_talk_that_begins_during_a_prompt_ends_the_prompt(hall: Hall) -> None:
    await hall.agent("anna")
    caller = await hall.caller()
    caller.player.play("p1", TOLD)
    hall.telephony.pick_up(hall.dialled()[0][0])
    await hall.after(10.0)
    assert hall.telephony.playing(caller.leg) == "" and caller.player.play_id == ""


@in_a_hall
async def test_where_nobody_answers_the_agent_is_paused_and_the_next_one_rings(hall: Hall) -> None:
    await hall.agent("anna")
    caller = await hall.caller()
    await hall.agent("ben")
    hall.telephony.ringing(hall.dialled()[0][0])
    await hall.after(12.0 + TICK_S)
    assert (hall.state_of("anna"), hall.queues.floor.agents["anna"].reason) == (AgentState.PAUSED, "no_answer")
    assert hall.dialled()[1][1].uri == "sip:ben@pbx"
    hall.telephony.pick_up(hall.dialled()[1][0])
    await hall.after()
    assert hall.telephony.joined_to(caller.leg) == hall.dialled()[1][0]
    assert hall.plays(caller.leg) == [("hold", 0.0)]


@in_a_hall
async def test_who_declines_is_not_asked_about_this_call_again_but_stays_available(hall: Hall) -> None:
    await hall.agent("anna")
    await hall.caller()
    leg, _ = hall.dialled()[0]
    hall.telephony.ringing(leg)
    hall.telephony.end(leg, 603)
    await hall.after(5.0)
    assert hall.state_of("anna") is AgentState.AVAILABLE and len(hall.dialled()) == 1


@in_a_hall
async def test_with_all_ringing_the_first_who_answers_has_the_caller(hall: Hall) -> None:
    await hall.agent("anna")
    await hall.agent("ben")
    caller = await hall.caller("all")
    (anna, _), (ben, _) = hall.dialled()
    hall.telephony.pick_up(ben)
    await hall.after(TICK_S)
    assert hall.telephony.joined_to(caller.leg) == ben and anna not in hall.telephony.live_legs
    assert (hall.state_of("anna"), hall.state_of("ben")) == (AgentState.AVAILABLE, AgentState.ON_CALL)


@in_a_hall
async def test_two_callers_get_agents_in_the_order_in_which_they_came(hall: Hall) -> None:
    first = await hall.caller()
    await hall.after(1.0)
    second = await hall.caller()
    await hall.agent("anna")
    await hall.after(TICK_S)
    hall.telephony.pick_up(hall.dialled()[0][0])
    await hall.after()
    assert first.queueing.is_talking and not second.queueing.is_talking
    second.queueing.perform(c.AskStanding())
    await hall.after()
    assert [event.position for event in second.told if isinstance(event, e.QueueStanding)] == [1]
    hall.telephony.end(first.leg)
    await hall.after(31.0)
    hall.telephony.pick_up(hall.dialled()[1][0])
    await hall.after()
    assert second.queueing.is_talking


@in_a_hall
async def test_who_asks_for_the_place_at_once_is_told_it_after_entering(hall: Hall) -> None:
    hall.prompts.is_cold = True
    caller = Caller(hall, "call0")
    await hall.after()
    caller.queueing.perform(c.EnterQueue("sales", hold=MUSIC))
    caller.queueing.perform(c.AskStanding())
    await hall.after()
    assert [event.position for event in caller.told if isinstance(event, e.QueueStanding)] == [1]
    assert hall.telephony.playing(caller.leg) == "hold"


@in_a_hall
async def test_who_wants_to_leave_before_the_music_is_ready_never_entered(hall: Hall) -> None:
    hall.prompts.is_cold = True
    caller = Caller(hall, "call0")
    await hall.after()
    caller.queueing.perform(c.EnterQueue("sales", hold=MUSIC))
    caller.queueing.perform(c.LeaveQueue("voicemail"))
    await hall.after()
    assert caller.outcome == "left" and not hall.queues.floor.events


@in_a_hall
async def test_an_agent_who_pauses_while_it_rings_stops_the_telephone(hall: Hall) -> None:
    await hall.agent("anna")
    caller = await hall.caller()
    leg, _ = hall.dialled()[0]
    hall.queues.agent_acts("anna", Act.PAUSE, hall.clock.now(), "lunch")
    await hall.after(TICK_S)
    assert leg not in hall.telephony.live_legs and hall.telephony.playing(caller.leg) == "hold"


@in_a_hall
async def test_an_agent_who_answers_an_offer_that_is_over_is_hung_up_on(hall: Hall) -> None:
    await hall.agent("anna")
    caller = await hall.caller()
    leg, _ = hall.dialled()[0]
    hall.queues.agent_acts("anna", Act.PAUSE, hall.clock.now(), "lunch")
    hall.telephony.pick_up(leg)
    await hall.after()
    assert leg not in hall.telephony.live_legs and hall.telephony.joined_to(caller.leg) == ""


@in_a_hall
async def test_a_caller_who_hangs_up_while_waiting_leaves_the_queue(hall: Hall) -> None:
    caller = await hall.caller()
    await hall.after(20.0)
    hall.telephony.end(caller.leg)
    await hall.after()
    assert not hall.queues.floor.calls and caller.told == []
    assert hall.queues.floor.events[-1].kind is EventKind.ABANDONED
    assert hall.figure(metrics.QUEUE_ENDED, "sales", "abandoned") == 1


@in_a_hall
async def test_a_caller_who_hangs_up_while_it_rings_stops_the_telephone_and_frees_the_agent(hall: Hall) -> None:
    await hall.agent("anna")
    caller = await hall.caller()
    leg, _ = hall.dialled()[0]
    hall.telephony.end(caller.leg)
    await hall.after()
    assert leg not in hall.telephony.live_legs and hall.state_of("anna") is AgentState.AVAILABLE


@in_a_hall
async def test_a_caller_who_hangs_up_as_the_agent_answers_leaves_nobody_on_a_call(hall: Hall) -> None:
    await hall.agent("anna")
    caller = await hall.caller()
    hall.telephony.pick_up(hall.dialled()[0][0])
    hall.telephony.end(caller.leg)
    await hall.after()
    assert not hall.queues.floor.calls and hall.state_of("anna") is not AgentState.ON_CALL


@in_a_hall
async def test_a_caller_who_hangs_up_in_the_talk_ends_it(hall: Hall) -> None:
    caller, leg = await talking(hall)
    hall.telephony.end(caller.leg)
    await hall.after()
    assert (caller.outcome, caller.ended_by) == ("connected", "caller")
    assert leg not in hall.telephony.live_legs and hall.state_of("anna") is AgentState.WRAP_UP


@in_a_hall
async def test_the_flow_goes_on_with_the_caller_after_the_talk(hall: Hall) -> None:
    caller, leg = await talking(hall, comes_back=True)
    hall.telephony.end(leg)  # type: ignore[arg-type]
    await hall.after()
    assert caller.outcome == "after" and caller.leg in hall.telephony.live_legs
    assert hall.telephony.playing(caller.leg) == ""


@in_a_hall
async def test_the_agent_sends_the_caller_back_by_a_key(hall: Hall) -> None:
    caller, leg = await talking(hall, return_key="*")
    hall.telephony.press(leg, "*")  # type: ignore[arg-type]
    await hall.after()
    assert caller.outcome == "returned" and leg not in hall.telephony.live_legs


@in_a_hall
async def test_a_full_queue_takes_nobody(hall: Hall) -> None:
    await hall.caller("small")
    assert (await hall.caller("small")).outcome == "full"


@in_a_hall
async def test_who_waits_too_long_goes_on_in_the_flow(hall: Hall) -> None:
    caller = await hall.caller("short")
    await hall.after(10.0 + LOOK_S)
    assert caller.outcome == "too_long" and hall.telephony.playing(caller.leg) == ""
    assert hall.queues.floor.events[-1].detail == "too_long"


@in_a_hall
async def test_who_wants_to_leave_is_out_of_the_queue(hall: Hall) -> None:
    await hall.agent("anna")
    caller = await hall.caller()
    caller.queueing.perform(c.LeaveQueue("voicemail"))
    await hall.after()
    assert caller.outcome == "left" and hall.queues.floor.events[-1].detail == "voicemail"
    assert hall.state_of("anna") is AgentState.AVAILABLE and len(hall.telephony.live_legs) == 1


@in_a_hall
async def test_nobody_is_promised_a_call_back_whom_the_queue_calls_not(hall: Hall) -> None:
    caller = await hall.caller("silent")
    caller.queueing.perform(c.AskCallback("+4930111"))
    await hall.after()
    assert [type(event) for event in caller.told] == [e.QueueStays]
    assert caller.outcome == "" and hall.queues.floor.calls, "he waits on, with his place"


@in_a_hall
async def test_a_queue_that_the_settings_do_not_have_fails(hall: Hall) -> None:
    caller = await hall.caller("nobody")
    assert (caller.outcome, caller.detail) == ("failed", "the queue is not configured")


@in_a_hall
async def test_music_that_was_never_begun_is_no_music(hall: Hall) -> None:
    caller = await hall.caller("nobody")
    hold = HoldSound(hall.telephony, hall.clock, caller.leg)
    assert not hold.resume() and not hold.stop()
