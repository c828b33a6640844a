"""Prompts that are heard while their rest is still being made."""

from __future__ import annotations

import asyncio
from typing import Literal

import pytest

from ivr.flow.commands import RESUME_BACK_S
from ivr.flow.segments import Speech
from ivr.ports import LegId
from tests.calls.switchboard import Switchboard, on_a_switchboard

pytestmark = pytest.mark.unit

FLOW = """
flow: desk
language: en-US
start: main
on_error: sorry
steps:
  main:
    menu:
      prompt: ["One {{ call.from }}.", "Two.", "Three."]
      choices:
        again: {keys: "1", say: [again], go: repeat}
        end: {keys: "9", say: [end], go: sorry}
  sorry: {say: "Sorry.", next: hang_up}
"""
FIRST, ALL = "One +4930111.", "One +4930111. Two. Three."


class Turnstile(asyncio.Event):
    """Lets one rendering pass each time."""

    def __init__(self) -> None:
        super().__init__()
        self._places = asyncio.Semaphore(0)

    async def wait(self) -> Literal[True]:
        await self._places.acquire()
        return True

    def let_one_pass(self) -> None:
        """The next part gets made."""
        self._places.release()


async def greeted(bot: Switchboard, parts: int) -> tuple[LegId, Turnstile]:
    """A call that was answered when the first part was there; so many are made."""
    turnstile = Turnstile()
    bot.prompts.is_cold, bot.prompts.gate = True, turnstile
    leg = await bot.offer()
    for _ in range(1 + parts):  # the first is made while the call rings, and found again
        turnstile.let_one_pass()
        await bot.settle()
    await bot.after(0.3)  # a key at the very moment of the answer does not count
    return leg, turnstile


def rendered(bot: Switchboard) -> list[str]:
    return [segment.text for part in bot.prompts.rendered for segment in part if isinstance(segment, Speech)][1:]


@on_a_switchboard(flow=FLOW)
async def test_the_first_part_is_heard_while_the_next_is_made(bot: Switchboard) -> None:
    leg, turnstile = await greeted(bot, 1)
    assert bot.said(leg) == [FIRST]
    turnstile.let_one_pass()
    await bot.settle()
    assert bot.said(leg) == [FIRST], "not before the first is over"
    await bot.after(5.0)
    assert bot.said(leg) == [f"{FIRST} Two."]


@on_a_switchboard(flow=FLOW)
async def test_a_part_that_is_late_is_heard_as_soon_as_it_is_there(bot: Switchboard) -> None:
    leg, turnstile = await greeted(bot, 1)
    await bot.after(5.0)
    for _ in range(2):
        turnstile.let_one_pass()
        await bot.settle()
    assert bot.said(leg) == [f"{FIRST} Two."]
    await bot.after(5.0)
    assert bot.said(leg) == [ALL]
    assert not [line for line in bot.record.steps if line.outcome], "the question is still open"


@on_a_switchboard(flow=FLOW)
async def test_a_key_cancels_what_is_not_made_yet(bot: Switchboard) -> None:
    leg, turnstile = await greeted(bot, 1)
    await bot.press(leg, "9")
    for _ in range(3):
        turnstile.let_one_pass()
        await bot.settle()
    assert rendered(bot) == [FIRST, "Sorry."]


@on_a_switchboard(flow=FLOW)
async def test_a_caller_who_leaves_cancels_what_is_not_made_yet(bot: Switchboard) -> None:
    leg, turnstile = await greeted(bot, 1)
    bot.telephony.end(leg)
    for _ in range(3):
        turnstile.let_one_pass()
        await bot.settle()
    assert rendered(bot) == [FIRST]
    assert bot.record.end_reason == "caller_hung_up"


@on_a_switchboard(flow=FLOW)
async def test_repeat_plays_all_again(bot: Switchboard) -> None:
    leg, _ = await greeted(bot, 3)
    await bot.after(10.0)
    await bot.press(leg, "1")
    assert bot.said(leg) == [ALL, ALL]


@on_a_switchboard(flow=FLOW)
async def test_repeat_in_the_middle_plays_all_again(bot: Switchboard) -> None:
    leg, turnstile = await greeted(bot, 1)
    await bot.press(leg, "1")
    for _ in range(3):
        turnstile.let_one_pass()
    await bot.after(5.0)
    await bot.after(5.0)
    assert bot.said(leg) == [FIRST, ALL]


@on_a_switchboard(flow=FLOW)
async def test_a_later_part_that_cannot_be_made_leads_to_on_error(bot: Switchboard) -> None:
    bot.prompts.broken.add("Two.")
    leg, turnstile = await greeted(bot, 1)
    turnstile.let_one_pass()
    await bot.settle()
    assert bot.said(leg) == [FIRST]
    await bot.after(5.0)
    turnstile.let_one_pass()
    await bot.settle()
    assert bot.said(leg) == [FIRST, "Sorry."], "when the first is over"


@on_a_switchboard(flow=FLOW)
async def test_noise_in_a_later_part_lets_the_prompt_go_on_from_there(bot: Switchboard) -> None:
    leg, turnstile = await greeted(bot, 1)
    await bot.after(3.0)  # the first part is over, the next is still being made
    for _ in range(2):
        turnstile.let_one_pass()
        await bot.settle()
    first_s, *_ = [sum(map(bot.prompts.length_s, asked.details[1])) for asked in bot.telephony.asked_for("play", leg)]
    await bot.after(0.2)
    bot.prompts.gate = None
    await bot.says("")
    again = bot.telephony.asked_for("play", leg)[-1]
    assert bot.said(leg)[-1] == ALL
    assert again.details[4] == pytest.approx(first_s + 0.2 - RESUME_BACK_S)
