"""What the records say of calls back, and who may listen to them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ivr.acd.agent import Act
from ivr.calls.monitoring import MonitorRules, MonitorWish, Participation
from ivr.calls.record import CALLBACK_OF, CallRecord, timeline
from ivr.config_queues import CALLBACK_TEXTS
from ivr.ports import LegId
from ivr.ports.queues import TICK_S
from tests.calls.queue_hall import Hall, in_a_hall
from tests.calls.test_callbacks import reached, rung

pytestmark = pytest.mark.unit


def record(hall: Hall) -> CallRecord:
    """The only one."""
    (found,) = hall.log.calls.values()
    return found


def lines(hall: Hall) -> list[tuple[str, str, str]]:
    return [(line.kind, line.outcome, line.meaning) for line in record(hall).steps]


async def talking(hall: Hall) -> tuple[LegId, LegId]:
    leg = await reached(hall)
    agent = hall.dialled()[-1][0]
    hall.telephony.pick_up(agent)
    await hall.after(30.0)
    return leg, agent


@in_a_hall
async def test_a_talk_is_a_call_of_its_own_marked_with_the_first_one(hall: Hall) -> None:
    _, agent = await talking(hall)
    hall.telephony.end(agent)
    await hall.after()
    found = record(hall)
    assert (found.ani, found.account, found.tags) == ("+493012", "trunk", {CALLBACK_OF: "call0"})
    assert lines(hall) == [("callback", "reached", "back"), ("queue", "connected", "anna")]
    assert found.steps[0].prompt == CALLBACK_TEXTS["de"]
    assert (found.end_reason, found.ended_by, found.transfer_target) == ("transferred", "agent", "anna")
    assert timeline(found)[0].text == "+493012 is called back by trunk, as asked for in call call0"
    assert found.variables == {"account": "4711"} and found.answered_at is not None


@in_a_hall
async def test_the_record_says_that_the_caller_hung_up_in_the_talk(hall: Hall) -> None:
    leg, _ = await talking(hall)
    hall.telephony.end(leg)
    await hall.after()
    assert (record(hall).end_reason, record(hall).ended_by) == ("transferred", "caller")


@in_a_hall
async def test_the_record_says_that_nobody_answered(hall: Hall) -> None:
    leg = await rung(hall)
    hall.telephony.end(leg, 486)
    await hall.after(TICK_S)
    assert lines(hall) == [("callback", "busy", "back")]
    assert (record(hall).end_reason, record(hall).sip_status, record(hall).answered_at) == ("failed", 486, None)
    hall.queues.leave("call0", hall.clock.now())


@in_a_hall
async def test_the_record_says_that_a_voicemail_pressed_no_key(hall: Hall) -> None:
    leg = await rung(hall)
    hall.telephony.pick_up(leg)
    await hall.after(30.0)
    assert lines(hall) == [("callback", "not_accepted", "back")]
    assert record(hall).answered_at is not None and record(hall).ended_at is not None
    hall.queues.leave("call0", hall.clock.now())


@in_a_hall
async def test_the_record_says_that_no_agent_took_it(hall: Hall) -> None:
    await reached(hall)
    hall.telephony.end(hall.dialled()[-1][0], 486)
    await hall.after()
    assert lines(hall) == [("callback", "reached", "back"), ("queue", "no_agent", "back")]
    assert record(hall).end_reason == "bot_hung_up"
    hall.queues.leave("call0", hall.clock.now())


@in_a_hall
async def test_a_try_that_is_given_up_while_it_rings_is_closed(hall: Hall) -> None:
    await rung(hall)
    hall.queues.agent_acts("anna", Act.PAUSE, hall.clock.now(), "lunch")
    await hall.after(TICK_S)
    assert record(hall).ended_at is not None and record(hall).steps == ()
    hall.queues.leave("call0", hall.clock.now())


@in_a_hall
async def test_a_caller_who_hangs_up_while_it_rings_at_the_agent_is_recorded(hall: Hall) -> None:
    leg = await reached(hall)
    hall.telephony.end(leg)
    await hall.after()
    assert lines(hall)[1:] == [("queue", "hung_up", "back")] and record(hall).ended_by == "caller"


@in_a_hall
async def test_a_supervisor_takes_part_by_the_id_of_either_call(hall: Hall) -> None:
    hall.callbacks._ports = replace(hall.ports, monitoring=MonitorRules(is_allowed=True))
    leg, agent = await talking(hall)
    assert hall.callbacks.talks == ["call0", "back-1"]
    monitoring = hall.callbacks.monitoring_of("call0")
    assert monitoring is not None and hall.callbacks.monitoring_of("back-1") is monitoring
    told: list[str] = []
    monitoring.ask(MonitorWish("eva", "sip:eva@pbx", Participation.LISTEN), told.append)
    supervisor = hall.dialled()[-1][0]
    hall.telephony.pick_up(supervisor)
    await hall.after(5.0)
    assert told == [""] and hall.telephony.asked_for("take_part", supervisor)[0].details[:2] == (leg, agent)
    hall.telephony.end(agent)
    await hall.after()
    assert hall.telephony.live_legs == [], "the supervisor leaves with the talk"
    assert ("monitor", "listen", "eva") in lines(hall)
