"""All calls of a worker: routing, refusals, shutdown, callers who come back."""

from __future__ import annotations

import asyncio

import pytest

from ivr.calls.registry import new_call_id
from ivr.calls.returning import RETURN_WINDOW_S
from ivr.config import NumberSettings
from ivr.flow.loader import load_flow
from ivr.flow.program import linked
from ivr.ports import LegRinging, RegistrationChanged
from ivr.testing.clock import DEFAULT_START
from tests.calls.switchboard import Switchboard, on_a_switchboard

pytestmark = pytest.mark.unit


def refused(bot: Switchboard) -> list[object]:
    return [asked.details[0] for asked in bot.telephony.asked_for("reject")]


def test_a_call_id_tells_the_instant_and_is_unique() -> None:
    ids = {new_call_id(DEFAULT_START) for _ in range(100)}
    assert len(ids) == 100 and all(name.startswith("260302-090000-") for name in ids)


@on_a_switchboard()
async def test_calls_live_side_by_side(bot: Switchboard) -> None:
    first, second = await bot.answered(), await bot.answered()
    await bot.press(first, "1")
    assert bot.said(first)[-1] == "Your code?" and bot.said(second) == ["Press 1 or 2."]
    assert bot.registry.call_count == 2
    bot.telephony.end(first)
    await bot.settle()
    assert bot.registry.call_count == 1


@on_a_switchboard(default_flow=None, numbers={"200": NumberSettings(flow="missing")})
async def test_a_number_without_a_flow_is_refused(bot: Switchboard) -> None:
    await bot.offer(dnis="100")
    await bot.offer(dnis="200")
    assert refused(bot) == [404, 480] and bot.records == []


@on_a_switchboard()
async def test_the_record_says_what_came_in(bot: Switchboard) -> None:
    await bot.offer(ani="+4930", dnis="77")
    record = bot.record
    assert (record.ani, record.dnis, record.flow, record.worker) == ("+4930", "77", "desk", "w1")
    assert record.flow_version == bot.flows["desk"].version and record.sip_call_id


@on_a_switchboard()
async def test_events_of_nobodys_leg_change_nothing(bot: Switchboard) -> None:
    leg = await bot.answered()
    bot.registry.handle(LegRinging(leg, 0.0, 180))
    bot.registry.handle(RegistrationChanged("trunk", True, 200, "OK"))
    bot.registry.handle(RegistrationChanged("trunk", False, 403, "Forbidden"))
    other = await bot.offer()
    bot.telephony.end(other)
    await bot.settle()
    bot.registry.handle(LegRinging(other, 0.0, 180))
    assert bot.registry.call_count == 1


@on_a_switchboard()
async def test_shutdown_refuses_new_calls_and_ends_those_in_progress(bot: Switchboard) -> None:
    await bot.answered()
    stopping = asyncio.ensure_future(bot.registry.stop(5.0))
    await asyncio.sleep(0)
    await bot.offer()
    assert refused(bot) == [503]
    await bot.settle()
    await stopping
    assert bot.telephony.live_legs == []
    assert [(record.end_reason, record.ended_by) for record in bot.records] == [("bot_hung_up", "bot")]


@on_a_switchboard()
async def test_shutdown_does_not_wait_for_ever(bot: Switchboard) -> None:
    await bot.answered()
    await bot.registry.stop(0.0)
    assert bot.registry.call_count == 1


@on_a_switchboard()
async def test_shutdown_without_calls_is_at_once(bot: Switchboard) -> None:
    await bot.registry.stop(5.0)


def test_a_mistake_of_ours_ends_that_call_only(monkeypatch: pytest.MonkeyPatch) -> None:
    @on_a_switchboard()
    async def play(bot: Switchboard) -> None:
        first, second = await bot.answered(), await bot.answered()
        driver = bot.registry._legs[first]

        def broken(event: object) -> None:
            raise RuntimeError("a mistake")

        monkeypatch.setattr(driver, "_key", broken)
        await bot.press(first, "1")
        assert bot.telephony.live_legs == [second]
        assert bot.records[0].end_reason == "failed"
        await bot.press(second, "1")
        assert bot.said(second)[-1] == "Your code?"

    play()


# --- callers who come back from a blind transfer

BACK = {"X-Transfer-Result": "BUSY"}


async def sent_away(bot: Switchboard) -> None:
    leg = await bot.answered()
    await bot.press(leg, "1")
    await bot.press(leg, "42")
    await bot.press(leg, "4")
    bot.telephony.refer_progress(leg, 100, is_final=False)
    bot.telephony.end(leg)
    await bot.settle()


@on_a_switchboard()
async def test_a_caller_who_is_sent_back_goes_on_at_the_exit_with_what_was_known(bot: Switchboard) -> None:
    await sent_away(bot)
    leg = await bot.offer(headers=BACK, dnis="anything")
    assert bot.said(leg) == ["It is busy. Press 1 or 2."]
    bot.telephony.end(leg)
    await bot.settle()
    record = bot.records[1]
    assert record.variables["code"] == "***"
    assert [(line.kind, line.outcome) for line in record.steps][:2] == [("transfer", "busy"), ("say", "done")]


@on_a_switchboard()
async def test_a_caller_can_come_back_before_the_first_leg_has_ended(bot: Switchboard) -> None:
    leg = await bot.answered()
    await bot.press(leg, "4")
    other = await bot.offer(headers=BACK)
    assert bot.said(other) == ["It is busy. Press 1 or 2."]


@on_a_switchboard()
async def test_a_caller_comes_back_once(bot: Switchboard) -> None:
    await sent_away(bot)
    await bot.offer(headers=BACK)
    leg = await bot.offer(headers=BACK)
    assert bot.said(leg) == ["Press 1 or 2."]


@on_a_switchboard()
async def test_strangers_late_comers_and_new_calls_begin_anew(bot: Switchboard) -> None:
    await sent_away(bot)
    assert bot.said(await bot.offer()) == ["Press 1 or 2."]
    assert bot.said(await bot.offer(ani="+4999", headers=BACK)) == ["Press 1 or 2."]
    for leg in bot.telephony.live_legs:
        bot.telephony.end(leg)
    await bot.after(RETURN_WINDOW_S + 1)
    assert bot.said(await bot.offer(headers=BACK)) == ["Press 1 or 2."]


# --- flows that run flows

MAIN = """
flow: desk
start: main
on_hang_up: {go: noted, always: true}
variables: {code: ""}
steps:
  main: {menu: {prompt: "Press 1.", choices: {go: {keys: "1", go: part}}}, failed: hang_up}
  part: {run: away, with: {code: "42"}, into: {code: code}, is_busy: busy, next: main}
  busy: {say: "Busy, {{ code }}.", next: main}
  noted: {tag: noted}
"""
PART = """
flow: away
takes: [code]
start: blind
steps:
  blind: {transfer: {to: agent, mode: refer}, busy: tell, failed: hang_up}
  tell: {say: "Back in the part.", next: give}
  give: {return: {outcome: is_busy, values: {code: "{{ code }}"}}}
"""


def with_part(bot: Switchboard) -> None:
    part = load_flow(PART, "away.yaml").flow
    bot.programs["desk"] = linked(bot.flows["desk"], {"away": part})


@on_a_switchboard(flow=MAIN)
async def test_a_caller_comes_back_into_the_flow_that_another_ran(bot: Switchboard) -> None:
    with_part(bot)
    leg = await bot.answered()
    await bot.press(leg, "1")
    bot.telephony.refer_progress(leg, 100, is_final=False)
    bot.telephony.end(leg)
    await bot.settle()
    assert bot.record.tags == {"noted": True}
    leg = await bot.offer(headers=BACK, dnis="anything")
    assert bot.said(leg) == ["Back in the part. Busy, 42. Press 1."]


@on_a_switchboard(flow=MAIN)
async def test_a_call_keeps_the_flows_that_were_in_service_when_it_began(bot: Switchboard) -> None:
    with_part(bot)
    leg = await bot.answered()
    newer = load_flow(PART.replace("start: blind", "start: tell"), "away.yaml").flow
    bot.programs["desk"] = linked(bot.flows["desk"], {"away": newer})
    await bot.press(leg, "1")
    assert bot.telephony.asked_for("refer", leg)
