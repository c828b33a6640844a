"""What a process does with the queues: while the database is away, when it was taken for dead, what it clears up."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ivr.acd.agent import AgentState
from ivr.acd.events import EventKind
from ivr.acd.queue import WaitingCall
from ivr.calls.queue_clerk import AWAY_LIMIT_S, IDLE_TICK_S
from ivr.calls.queue_visit import SLOW_LOOK_S
from ivr.ports.queues import LEASE_S, TALK_WITHOUT_RECORD_DAYS, TICK_S
from tests.calls.queue_hall import Hall, in_a_hall
from tests.calls.test_call_queueing import talking

pytestmark = pytest.mark.unit


@in_a_hall
async def test_who_comes_while_the_database_is_away_goes_on_in_the_flow(hall: Hall) -> None:
    hall.acts.is_away = True
    assert (await hall.caller()).outcome == "failed"


@in_a_hall
async def test_who_waits_already_goes_on_waiting_while_the_database_is_away_for_a_while(hall: Hall) -> None:
    caller = await hall.caller()
    hall.acts.is_away = True
    await hall.after(LEASE_S - 5)
    assert hall.telephony.playing(caller.leg) == "hold"
    hall.acts.is_away = False
    await hall.agent("anna")
    await hall.after(TICK_S)
    hall.telephony.pick_up(hall.dialled()[0][0])
    await hall.after()
    assert caller.queueing.is_talking


@in_a_hall
async def test_nobody_waits_for_a_database_that_does_not_come_back(hall: Hall) -> None:
    caller = await hall.caller()
    hall.acts.is_away = True
    await hall.after(AWAY_LIMIT_S + 3 * TICK_S)
    assert caller.outcome == "failed"


@in_a_hall
async def test_a_process_that_was_taken_for_dead_lets_its_callers_wait_in_their_old_place(hall: Hall) -> None:
    caller = await hall.caller()
    arrived_at = hall.queues.floor.calls["call0"].arrived_at
    hall.acts.is_away = True
    await hall.after(3.0)
    hall.queues.floor.calls.clear()  # another process did that
    hall.acts.is_away = False
    await hall.after(TICK_S)
    assert hall.queues.floor.calls["call0"].arrived_at == arrived_at
    assert hall.telephony.playing(caller.leg) == "hold"


@in_a_hall
async def test_who_waits_and_is_forgotten_for_no_reason_waits_again_as_well(hall: Hall) -> None:
    await hall.caller()
    hall.queues.floor.calls.clear()
    await hall.after(SLOW_LOOK_S)
    assert list(hall.queues.floor.calls) == ["call0"]


@in_a_hall
async def test_an_end_that_the_database_did_not_hear_of_is_told_when_it_is_back(hall: Hall) -> None:
    caller, _ = await talking(hall)
    hall.acts.is_away = True
    hall.telephony.end(caller.leg)
    await hall.after(3.0)
    assert hall.state_of("anna") is AgentState.ON_CALL
    hall.acts.is_away = False
    await hall.after(TICK_S)
    assert hall.state_of("anna") is AgentState.WRAP_UP


@in_a_hall
async def test_an_agent_who_answers_while_the_database_is_away_is_called_again(hall: Hall) -> None:
    await hall.agent("anna")
    caller = await hall.caller()
    hall.acts.is_away = True
    hall.telephony.pick_up(hall.dialled()[0][0])
    await hall.after()
    assert hall.telephony.live_legs == [caller.leg]
    hall.acts.is_away = False
    await hall.after(TICK_S)
    hall.telephony.pick_up(hall.dialled()[1][0])
    await hall.after()
    assert caller.queueing.is_talking


@in_a_hall
async def test_what_a_process_that_died_has_left_is_cleared_up_by_the_one_that_replaces_it(hall: Hall) -> None:
    await hall.agent("anna")
    now = hall.clock.now()
    hall.queues.enter(WaitingCall("lost", "sales", "w1-0", arrived_at=now, entered_at=now), now)
    (ring,) = hall.queues.match("w1-0", now)
    hall.queues.connect(ring.offer_id, now)
    await hall.after(LEASE_S + IDLE_TICK_S)
    assert hall.state_of("anna") is AgentState.WRAP_UP


@in_a_hall
async def test_old_events_are_removed_once_an_hour_while_there_are_calls(hall: Hall) -> None:
    first = await hall.caller()
    hall.telephony.end(first.leg)
    await hall.after()
    assert hall.queues.floor.events
    hall.clock.started_at += timedelta(days=401)  # a year later
    later = await hall.caller()
    await hall.after(TICK_S)
    assert [event.kind for event in hall.queues.floor.events] == [EventKind.ENTERED], "those of the first are gone"
    hall.telephony.end(later.leg)


@in_a_hall
async def test_old_talks_without_a_record_are_removed_as_well(hall: Hall) -> None:
    await hall.agent("anna")
    caller = await hall.caller()
    hall.telephony.pick_up(hall.dialled()[0][0])
    await hall.after()
    hall.telephony.end(caller.leg)
    await hall.after()
    assert len(hall.queues.floor.talks) == 1
    hall.clock.started_at += timedelta(days=TALK_WITHOUT_RECORD_DAYS + 1)
    later = await hall.caller()
    await hall.after(TICK_S)
    assert hall.queues.floor.talks == []
    hall.telephony.end(later.leg)
