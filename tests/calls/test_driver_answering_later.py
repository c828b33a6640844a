"""Calls that are answered later, or never: `answer: later` on the telephony."""

from __future__ import annotations

import asyncio

import pytest

from ivr.calls.early_media import EARLY_MEDIA_LIMIT_S, UNHEARD_S
from ivr.flow.run import UNANSWERED_LIMIT_S
from tests.calls.switchboard import Switchboard, on_a_switchboard

pytestmark = pytest.mark.unit

HEAD = "flow: desk\nlanguage: en-US\nanswer: later\nstart: main\n"
ANNOUNCED = (
    HEAD
    + """
steps:
  main: {say: "One moment.", next: up}
  up: {answer: true, next: menu}
  menu: {menu: {prompt: "Press 1.", choices: {end: {keys: "1", go: hang_up}}}, failed: hang_up}
"""
)
REFUSED = (
    HEAD
    + """
on_hang_up: {go: mark, always: true}
steps:
  main: {say: "We are closed.", next: no}
  no: {hang_up: {status: 486}}
  mark: {tag: refused}
"""
)
RINGING = HEAD + 'steps:\n  main: {answer: {after: 5s}, next: bye}\n  bye: {say: "Goodbye.", next: hang_up}\n'
WAITING = HEAD + 'steps:\n  main: {request: {get: "https://crm.example.com/x"}, error: hang_up, next: main}\n'


@on_a_switchboard(flow=ANNOUNCED)
async def test_a_caller_hears_an_announcement_before_the_answer(bot: Switchboard) -> None:
    leg = await bot.offer()
    assert bot.telephony.names == ["ring", "start_early_media", "play"]
    await bot.press(leg, "1")
    for _ in range(15):
        await bot.after(0.2)
    assert bot.telephony.names == ["ring", "start_early_media", "play", "answer", "play"]
    assert bot.said(leg) == ["One moment.", "Press 1."]
    await bot.after(3.0)
    await bot.press(leg, "1")
    assert bot.record.ring_s == pytest.approx(1.2, abs=0.25)
    assert (bot.record.end_reason, bot.record.sip_status) == ("bot_hung_up", 200)


@on_a_switchboard(flow=REFUSED)
async def test_a_refused_call_is_recorded_with_its_status_and_without_an_answer(bot: Switchboard) -> None:
    leg = await bot.offer()
    await bot.after(5.0)
    assert bot.telephony.names == ["ring", "start_early_media", "play", "reject"]
    assert bot.telephony.asked_for("reject", leg)[0].details == (486,)
    record = bot.record
    assert (record.answered_at, record.end_reason, record.ended_by, record.sip_status) == (None, "rejected", "bot", 486)
    assert record.talk_s == 0.0 and record.tags == {"refused": True}
    assert [line.prompt for line in record.steps if line.prompt] == ["We are closed."]


@on_a_switchboard(flow=RINGING)
async def test_a_call_may_just_ring_before_it_is_answered(bot: Switchboard) -> None:
    leg = await bot.offer()
    await bot.after(4.9)
    assert bot.telephony.names == ["ring"]
    await bot.after(0.2)
    assert bot.telephony.names == ["ring", "answer", "play"]
    assert bot.said(leg) == ["Goodbye."]


@on_a_switchboard(flow=ANNOUNCED)
async def test_a_caller_who_gives_up_before_the_answer_is_recorded_as_that(bot: Switchboard) -> None:
    leg = await bot.offer()
    bot.telephony.end(leg)
    await bot.settle()
    record = bot.record
    assert (record.answered_at, record.end_reason, record.sip_status) == (None, "caller_hung_up", 487)
    assert "answer" not in bot.telephony.names


@on_a_switchboard(flow=WAITING)
async def test_a_call_that_nobody_answers_is_refused_in_time(bot: Switchboard) -> None:
    bot.data.gate = asyncio.Event()
    await bot.offer()
    await bot.after(UNANSWERED_LIMIT_S - 1)
    assert len(bot.telephony.live_legs) == 1
    await bot.after(1)
    assert (bot.record.end_reason, bot.record.sip_status) == ("rejected", 480)


@on_a_switchboard(flow=ANNOUNCED)
async def test_a_caller_who_cannot_hear_early_media_is_not_kept_waiting_for_it(bot: Switchboard) -> None:
    bot.telephony.callers_offer = False
    leg = await bot.offer()
    await bot.after(EARLY_MEDIA_LIMIT_S)
    assert bot.telephony.names == ["ring", "start_early_media", "play", "stop_playing", "answer", "play"]
    await bot.after(3.0)
    await bot.press(leg, "1")
    assert bot.telephony.live_legs == []


@on_a_switchboard(flow=ANNOUNCED.replace("next: up}", "barge_in: none, next: two}\n  two: {say: Two., next: up}", 1))
async def test_every_prompt_that_cannot_be_heard_is_over_in_a_moment(bot: Switchboard) -> None:
    bot.telephony.callers_offer = False
    await bot.offer()
    await bot.after(EARLY_MEDIA_LIMIT_S)
    assert "answer" not in bot.telephony.names
    await bot.after(UNHEARD_S)
    assert "answer" in bot.telephony.names


@on_a_switchboard(flow=ANNOUNCED, lead_in_s=0.2)
async def test_early_media_begins_with_the_silence_that_telephones_swallow(bot: Switchboard) -> None:
    leg = await bot.offer()
    assert bot.telephony.asked_for("play", leg)[0].details[3] == 0.2


@on_a_switchboard(flow=ANNOUNCED)
async def test_the_greeting_is_ready_before_the_answer_and_no_second_ringing_is_sent(bot: Switchboard) -> None:
    bot.prompts.is_cold = True
    await bot.offer()
    await bot.after(3.0)
    assert bot.telephony.names == ["ring", "start_early_media", "play", "answer", "play"]


@on_a_switchboard(flow=WAITING)
async def test_a_failure_of_ours_before_the_answer_refuses_the_call(bot: Switchboard) -> None:
    bot.data.gate = asyncio.Event()
    await bot.offer()
    (call,) = bot.registry._calls
    call.fail()
    await bot.settle()
    assert (bot.record.end_reason, bot.record.sip_status, bot.record.answered_at) == ("failed", 500, None)
