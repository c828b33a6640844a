"""Acts that block: in order, in a thread of their own, told on the loop's thread."""

from __future__ import annotations

import asyncio
import threading

import pytest

from ivr.calls.act_thread import ActThread
from ivr.errors import IvrError, StorageError

pytestmark = pytest.mark.unit


def test_acts_are_done_in_order_and_told_on_the_loop() -> None:
    told: list[object] = []

    async def play() -> None:
        acts, are_told = ActThread("acts", asyncio.get_running_loop().call_soon_threadsafe), asyncio.Event()
        for number in range(3):
            acts.do(lambda number=number: (number, threading.current_thread().name), told.append)  # type: ignore[misc]
        acts.do(threading.get_ident, lambda _: are_told.set())
        await asyncio.wait_for(are_told.wait(), 5)
        await asyncio.to_thread(acts.close, 5.0)

    asyncio.run(play())
    assert told == [(number, "acts") for number in range(3)]


def test_errors_are_told_and_a_mistake_of_ours_ends_no_thread() -> None:
    told: list[object] = []

    def away() -> int:
        raise StorageError("away")

    def mistake() -> int:
        raise ZeroDivisionError

    async def play() -> None:
        acts, are_told = ActThread("acts", asyncio.get_running_loop().call_soon_threadsafe), asyncio.Event()
        acts.do(away, told.append)
        acts.do(mistake, told.append)
        acts.do(lambda: 1, lambda _: are_told.set())
        await asyncio.wait_for(are_told.wait(), 5)
        await asyncio.to_thread(acts.close, 5.0)

    asyncio.run(play())
    assert [isinstance(each, IvrError) and str(each) for each in told] == ["away", "ZeroDivisionError in the queues"]


def test_what_was_asked_for_is_finished_before_the_end_though_nobody_listens_any_more() -> None:
    done: list[int] = []

    async def begun() -> ActThread:
        acts = ActThread("acts", asyncio.get_running_loop().call_soon_threadsafe)
        for number in range(20):
            acts.do(lambda number=number: done.append(number), lambda _: None)  # type: ignore[misc]
        return acts

    asyncio.run(begun()).close(5.0)
    assert done == list(range(20))
