"""Legs of a bot, shared out among conversations."""

from __future__ import annotations

import asyncio

import pytest

from ivr.live_test.legs import Legs

pytestmark = pytest.mark.unit


def test_no_more_legs_are_taken_than_there_are_and_everybody_gets_a_turn() -> None:
    async def play() -> tuple[int, list[int]]:
        legs, taken, most, order = Legs(4), 0, 0, list[int]()

        async def converse(number: int, count: int) -> None:
            nonlocal taken, most
            async with legs.taken(count):
                order.append(number)
                taken += count
                most = max(most, taken)
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                taken -= count

        await asyncio.gather(*(converse(number, 1 + number % 2) for number in range(12)))
        return most, order

    most, order = asyncio.run(play())
    assert most == 4
    assert order == list(range(12))


def test_one_leg_is_enough_for_conversations_one_after_the_other() -> None:
    async def play() -> None:
        legs = Legs(1)
        async with legs.taken(2):
            pass
        async with legs.taken(2):
            pass

    asyncio.run(asyncio.wait_for(play(), 5))


def test_the_legs_of_a_conversation_that_was_given_up_are_free_again() -> None:
    async def play() -> None:
        legs = Legs(1)
        waiting = asyncio.create_task(_hold(legs))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        async with legs.taken(1):
            pass

    asyncio.run(asyncio.wait_for(play(), 5))


async def _hold(legs: Legs) -> None:
    async with legs.taken(1):
        await asyncio.Event().wait()
