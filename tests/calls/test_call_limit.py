"""The longest time of a call, on a virtual clock."""

from __future__ import annotations

import pytest

from ivr.calls.call_limit import GOODBYE_LIMIT_S
from ivr.ports import LegId
from tests.calls.switchboard import Switchboard, on_a_switchboard

pytestmark = pytest.mark.unit

LIMIT_S = 600.0
GOODBYE = "This call has reached its longest time. Goodbye."


async def stays(bot: Switchboard, seconds: float) -> None:
    """Time passes in short steps, so that all that is due happens in order."""
    until_s = bot.clock.monotonic_s() + seconds
    while bot.clock.monotonic_s() < until_s - 0.01:
        await bot.after(min(0.5, until_s - bot.clock.monotonic_s()))


async def in_the_menu(bot: Switchboard, seconds: float) -> LegId:
    leg = await bot.answered()
    until_s = bot.clock.monotonic_s() + seconds
    while bot.clock.monotonic_s() < until_s:
        await bot.press(leg, "1")
        await bot.press(leg, "42")
        await bot.after(2.0)
    return leg


@on_a_switchboard(longest_call_s=LIMIT_S)
async def test_a_caller_who_goes_round_hears_goodbye_and_is_let_go(bot: Switchboard) -> None:
    leg = await in_the_menu(bot, LIMIT_S - 20.0)
    assert GOODBYE not in bot.said(leg) and bot.record.ended_at is None
    await stays(bot, 40.0)
    assert bot.said(leg)[-1].startswith(GOODBYE)
    assert (bot.record.end_reason, bot.record.ended_by) == ("too_long", "bot")
    assert bot.record.talk_s == pytest.approx(LIMIT_S, abs=GOODBYE_LIMIT_S)
    assert ("flow", "too_long") in [(line.kind, line.outcome) for line in bot.record.steps]


@on_a_switchboard(longest_call_s=LIMIT_S)
async def test_keys_do_not_hold_the_goodbye_up(bot: Switchboard) -> None:
    leg = await in_the_menu(bot, LIMIT_S - 20.0)
    for _ in range(80):
        await bot.press(leg, "1")
        await bot.after(0.5)
    assert bot.record.end_reason == "too_long"


@on_a_switchboard(longest_call_s=LIMIT_S)
async def test_a_goodbye_that_cannot_be_made_does_not_keep_the_call(bot: Switchboard) -> None:
    bot.prompts.broken.add(GOODBYE)
    leg = await in_the_menu(bot, LIMIT_S - 20.0)
    await stays(bot, 20.0 + GOODBYE_LIMIT_S + 2.0)
    assert bot.record.end_reason == "too_long", bot.said(leg)


@on_a_switchboard(longest_call_s=20.0)
async def test_a_caller_who_talks_to_a_person_is_not_cut(bot: Switchboard) -> None:
    leg = await bot.answered()
    await bot.press(leg, "5")
    await bot.after(1.0)
    agent = bot.telephony.dialled()[-1]
    bot.telephony.pick_up(agent)
    await stays(bot, 100.0)
    assert bot.record.ended_at is None
    bot.telephony.end(leg)
    await bot.settle()
    assert bot.record.end_reason == "transferred"


@on_a_switchboard(longest_call_s=0.0)
async def test_without_a_limit_a_call_goes_on(bot: Switchboard) -> None:
    leg = await in_the_menu(bot, 400.0)
    assert bot.record.ended_at is None
    bot.telephony.end(leg)
    await bot.settle()
