"""Calls whose flow has a queue: what the caller hears, what the flow does after it, and the record of it all."""

from __future__ import annotations

import pytest

from ivr.acd.agent import Act, AgentState
from ivr.config_queues import QueueSettings
from ivr.ports import LegId
from ivr.ports.queues import TICK_S
from tests.calls.switchboard import Switchboard, on_a_switchboard

pytestmark = pytest.mark.unit

QUEUES = {"sales": QueueSettings(max_wait=120.0)}
FLOW = """
flow: desk
language: en-US
start: wait
on_error: sorry
steps:
  wait:
    queue: {name: sales, announce: "Please wait.", music: "La la la la la la.", tell_every: 30s}
    keys: {"1": message}
    full: sorry
    too_long: sorry
    failed: sorry
  message: {say: "Leave a message.", next: hang_up}
  sorry: {say: "Sorry.", next: hang_up}
"""
AFTER = FLOW.replace("failed: sorry\n", 'failed: sorry\n    after: thanks\n  thanks: {say: "Thanks.", next: hang_up}\n')


async def waits(bot: Switchboard) -> LegId:
    """A caller who has heard everything once."""
    leg = await bot.offer()
    await bot.after(8.0)
    assert bot.telephony.playing(leg) == "hold"
    return leg


async def talks(bot: Switchboard) -> tuple[LegId, LegId]:
    """A caller, and anna's leg."""
    leg = await waits(bot)
    bot.queues.add_agent("anna", "sip:anna@pbx", {})
    bot.queues.agent_acts("anna", Act.LOG_IN, bot.clock.now())
    await bot.after(TICK_S)
    agent = bot.telephony.dialled()[-1]
    bot.telephony.pick_up(agent)
    await bot.settle()
    assert bot.telephony.joined_to(leg) == agent
    return leg, agent


def queue_lines(bot: Switchboard) -> list[tuple[str, str]]:
    return [(line.outcome, line.meaning) for line in bot.record.steps if line.kind == "queue"]


@on_a_switchboard(flow=FLOW, queues=QUEUES)
async def test_the_caller_is_told_the_place_now_and_again_and_hears_music_between(bot: Switchboard) -> None:
    leg = await waits(bot)
    assert [text for text in bot.said(leg) if "La la" not in text] == ["Please wait.", "You are next."]
    await bot.after(31.0)
    await bot.after(5.0)
    assert [text for text in bot.said(leg) if "La la" not in text] == ["Please wait.", "You are next.", "You are next."]
    assert bot.telephony.playing(leg) == "hold"


@on_a_switchboard(flow=FLOW, queues=QUEUES)
async def test_the_record_shows_the_agent_and_who_ended_the_talk(bot: Switchboard) -> None:
    _, agent = await talks(bot)
    await bot.after(60.0)
    bot.telephony.end(agent)
    await bot.settle()
    record = bot.record
    assert (record.end_reason, record.ended_by, record.transfer_target) == ("transferred", "agent", "anna")
    assert queue_lines(bot) == [("connected", "anna")]
    assert bot.queues.floor.agents["anna"].state is AgentState.WRAP_UP


@on_a_switchboard(flow=FLOW, queues=QUEUES)
async def test_a_caller_who_hangs_up_in_the_talk_ended_it(bot: Switchboard) -> None:
    leg, agent = await talks(bot)
    bot.telephony.end(leg)
    await bot.settle()
    assert (bot.record.end_reason, bot.record.ended_by) == ("transferred", "caller")
    assert queue_lines(bot) == [("connected", "anna")] and agent not in bot.telephony.live_legs


@on_a_switchboard(flow=FLOW, queues=QUEUES)
async def test_a_caller_who_hangs_up_while_waiting_has_hung_up(bot: Switchboard) -> None:
    bot.telephony.end(await waits(bot))
    await bot.settle()
    assert (bot.record.end_reason, queue_lines(bot)) == ("caller_hung_up", [("hung_up", "sales")])
    assert bot.queues.floor.calls == {}


@on_a_switchboard(flow=AFTER, queues=QUEUES)
async def test_the_flow_goes_on_after_the_talk_and_hears_keys_again(bot: Switchboard) -> None:
    leg, agent = await talks(bot)
    await bot.press(leg, "1")
    assert bot.telephony.joined_to(leg) == agent, "keys of a talk are the agent's affair"
    bot.telephony.end(agent)
    await bot.settle()
    assert bot.said(leg)[-1] == "Thanks."
    await bot.after(3.0)
    assert bot.record.transfer_target == "anna"


@on_a_switchboard(flow=FLOW, queues=QUEUES)
async def test_a_key_leads_out_of_the_queue(bot: Switchboard) -> None:
    leg = await waits(bot)
    await bot.press(leg, "1")
    assert bot.said(leg)[-1] == "Leave a message." and bot.queues.floor.calls == {}
    assert queue_lines(bot) == [("left", "sales")]


@on_a_switchboard(flow=FLOW, queues=QUEUES)
async def test_who_waits_too_long_goes_on_in_the_flow(bot: Switchboard) -> None:
    leg = await waits(bot)
    await bot.after(120.0)
    assert bot.said(leg)[-1] == "Sorry."


@on_a_switchboard(flow=FLOW)
async def test_without_queues_in_the_settings_the_flow_goes_on_at_once(bot: Switchboard) -> None:
    leg = await bot.offer()
    await bot.after(3.0)
    assert bot.said(leg)[-1] == "Sorry."


@on_a_switchboard(flow=FLOW, queues=QUEUES, longest_call_s=60.0)
async def test_a_wait_ends_with_the_longest_call_and_a_talk_does_not(bot: Switchboard) -> None:
    leg = await waits(bot)
    await bot.after(90.0)
    assert leg not in bot.telephony.live_legs and bot.queues.floor.calls == {}
    assert bot.record.end_reason == "too_long"


@on_a_switchboard(flow=FLOW, queues=QUEUES, longest_call_s=60.0)
async def test_a_talk_goes_on_beyond_the_longest_call(bot: Switchboard) -> None:
    leg, agent = await talks(bot)
    await bot.after(120.0)
    assert bot.telephony.joined_to(leg) == agent
    bot.telephony.end(leg)
    await bot.settle()


@on_a_switchboard(flow=FLOW, queues=QUEUES)
async def test_a_bot_that_stops_takes_its_callers_out_of_the_queues(bot: Switchboard) -> None:
    await talks(bot)
    await bot.registry.stop(0.0)
    await bot.settle()
    assert bot.queues.floor.calls == {} and bot.queues.floor.offers == {}
