"""Callers who are called back: who is reached and who is not, and what becomes of the agent who was reserved."""

from __future__ import annotations

import pytest

from ivr.acd.agent import Act, AgentState
from ivr.acd.events import EventKind
from ivr.calls.calling_back import callback_uri, text_in
from ivr.calls.queue_clerk import IDLE_TICK_S
from ivr.config_queues import CALLBACK_TEXTS, CallbackSettings, QueueSettings
from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.ports import LegId
from ivr.ports.queues import TICK_S
from tests.calls.queue_hall import QUEUES, Hall, in_a_hall

pytestmark = pytest.mark.unit

VIA = CallbackSettings(sip="sip:{number}@trunk")


async def kept(hall: Hall, number: str = "+493012") -> None:
    """Somebody asks to be called back, and hangs up."""
    caller = await hall.caller("back", context={"caller": "+493012", "language": "de-DE"}, answers={"account": "4711"})
    caller.queueing.perform(c.AskCallback(number))
    await hall.after()
    assert caller.outcome == "callback"
    hall.telephony.end(caller.leg)
    await hall.after()


async def rung(hall: Hall) -> LegId:
    """It rings at the caller's."""
    await kept(hall)
    await hall.after(60.0)
    await hall.agent("anna")
    await hall.after(IDLE_TICK_S)
    (leg, request) = hall.dialled()[-1]
    assert (request.uri, request.account, dict(request.headers)) == ("sip:+493012@trunk", "trunk", {})
    return leg


async def reached(hall: Hall) -> LegId:
    """The caller has pressed the key, and hears music."""
    leg = await rung(hall)
    hall.telephony.pick_up(leg)
    await hall.after(1.0)
    hall.telephony.press(leg, "1")
    await hall.after()
    assert hall.telephony.playing(leg) == "hold"
    return leg


@in_a_hall
async def test_the_caller_is_called_first_then_the_agent_and_they_talk(hall: Hall) -> None:
    leg = await rung(hall)
    assert hall.state_of("anna") is AgentState.RESERVED and len(hall.dialled()) == 1
    hall.telephony.pick_up(leg)
    await hall.after(1.0)
    assert hall.prompts.texts(hall.telephony.asked_for("play", leg)[0].details[1]) == CALLBACK_TEXTS["de"]
    hall.telephony.press(leg, "1")
    await hall.after()
    agent, request = hall.dialled()[-1]
    assert request.uri == "sip:anna@pbx" and int(request.headers["X-IVR-Wait-S"]) >= 60
    assert request.headers["X-IVR-Answer-Account"] == "4711"
    hall.telephony.pick_up(agent)
    await hall.after(30.0)
    assert hall.telephony.joined_to(leg) == agent and hall.state_of("anna") is AgentState.ON_CALL
    hall.telephony.end(agent)
    await hall.after()
    assert hall.telephony.live_legs == [] and hall.state_of("anna") is AgentState.WRAP_UP
    assert hall.queues.floor.calls == {}


@in_a_hall
async def test_a_caller_who_hangs_up_in_the_talk_ends_it(hall: Hall) -> None:
    leg = await reached(hall)
    hall.telephony.pick_up(hall.dialled()[-1][0])
    await hall.after(3.0)
    hall.telephony.end(leg)
    await hall.after()
    assert hall.telephony.live_legs == [] and hall.state_of("anna") is AgentState.WRAP_UP


@in_a_hall
async def test_who_does_not_answer_is_called_again_later_and_frees_the_agent(hall: Hall) -> None:
    leg = await rung(hall)
    hall.telephony.end(leg, 486)
    await hall.after(TICK_S)
    assert hall.state_of("anna") is AgentState.AVAILABLE
    await hall.after(500.0)
    assert len(hall.dialled()) == 1
    await hall.after(110.0)
    assert len(hall.dialled()) == 2
    hall.telephony.end(hall.dialled()[-1][0], 486)
    await hall.after()
    assert hall.queues.floor.events[-2].detail == "not_reached" or hall.queues.floor.calls == {}


@in_a_hall
async def test_a_voicemail_gets_no_agent(hall: Hall) -> None:
    leg = await rung(hall)
    hall.telephony.pick_up(leg)
    await hall.after(30.0)
    assert leg not in hall.telephony.live_legs and len(hall.dialled()) == 1
    assert hall.queues.floor.calls["call0"].tries == 1
    hall.queues.leave("call0", hall.clock.now())


@in_a_hall
async def test_where_no_agent_takes_it_the_caller_is_let_go_and_called_again_later(hall: Hall) -> None:
    leg = await reached(hall)
    hall.telephony.end(hall.dialled()[-1][0], 486)
    await hall.after()
    assert leg not in hall.telephony.live_legs
    assert hall.queues.floor.calls["call0"].tries == 1
    hall.queues.leave("call0", hall.clock.now())


@in_a_hall
async def test_an_agent_who_pauses_while_it_rings_at_the_caller_stops_that(hall: Hall) -> None:
    leg = await rung(hall)
    hall.queues.agent_acts("anna", Act.PAUSE, hall.clock.now(), "lunch")
    await hall.after(TICK_S)
    assert leg not in hall.telephony.live_legs
    assert hall.queues.floor.calls["call0"].tries == 0, "the caller will be called by whoever is free next"
    hall.queues.leave("call0", hall.clock.now())


@in_a_hall
async def test_a_caller_who_hangs_up_while_it_rings_at_the_agent_is_out(hall: Hall) -> None:
    leg = await reached(hall)
    hall.telephony.end(leg)
    await hall.after()
    assert hall.telephony.live_legs == [] and hall.state_of("anna") is AgentState.AVAILABLE
    assert hall.queues.floor.events[-1].kind in (EventKind.ABANDONED, EventKind.AGENT)


@in_a_hall
async def test_a_process_that_ends_gives_the_call_to_others(hall: Hall) -> None:
    leg = await rung(hall)
    hall.callbacks.stop()
    hall.callbacks.hang_up()
    await hall.after()
    assert leg not in hall.telephony.live_legs
    assert hall.queues.floor.calls["call0"].tries == 0 and hall.state_of("anna") is AgentState.AVAILABLE
    hall.queues.leave("call0", hall.clock.now())


@in_a_hall
async def test_nobody_is_promised_to_be_called_where_the_settings_do_not_allow_the_number(hall: Hall) -> None:
    caller = await hall.caller("back")
    caller.queueing.perform(c.AskCallback("+1900555"))
    await hall.after()
    assert [type(event) for event in caller.told] == [e.QueueStays]
    assert caller.outcome == "" and hall.queues.floor.calls, "the caller waits on"


@pytest.mark.parametrize(
    ("number", "uri"),
    [
        ("+493012", "sip:+493012@trunk"),
        ("03012", "sip:03012@trunk"),
        ("+1900", None),
        ("030", "sip:030@trunk"),
        ("0", None),
        ("030;transport=tcp", None),
        ("030@evil", None),
        ("030\n", None),
        ("٠٣٠١٢", None),
        ("", None),
    ],
)
def test_nothing_but_digits_gets_into_the_address(number: str, uri: str | None) -> None:
    assert callback_uri(QUEUES["back"], number) == uri


def test_without_a_way_nobody_is_called() -> None:
    assert callback_uri(QueueSettings(), "+493012") is None
    assert callback_uri(QueueSettings(callback_via=VIA, callback_tries=0), "+493012") is None


def test_the_text_is_in_the_callers_language_or_in_one_that_there_is() -> None:
    assert text_in(VIA, "de-AT") == (CALLBACK_TEXTS["de"], "de-AT")
    assert text_in(VIA, "fr-FR") == (CALLBACK_TEXTS["en"], "en")
    own = VIA.model_copy(update={"texts": {"fr": "Appuyez sur 1."}})
    assert text_in(own, "fr-FR") == ("Appuyez sur 1.", "fr-FR")
    assert text_in(own, "it") == ("Appuyez sur 1.", "fr")
