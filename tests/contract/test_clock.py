"""The same cases over the manual clock, and over the machine's clock with asyncio's timers."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from datetime import UTC, timedelta
from functools import wraps
from typing import Any

import pytest

from ivr.calls.timers import Timers
from ivr.ports import Clock
from ivr.testing.clock import ManualClock


class Time(ABC):
    """A clock with its timers."""

    clock: Clock
    timers: Timers

    @abstractmethod
    async def passes(self, duration_s: float) -> None:
        """Time goes by."""


class ManualTime(Time):
    """Moved on by hand."""

    def __init__(self) -> None:
        self.clock = self.timers = self.manual = ManualClock()

    async def passes(self, duration_s: float) -> None:
        """At once."""
        self.manual.advance(duration_s)


class LoopTime(Time):
    """The machine's; to be made on a loop."""

    def __init__(self) -> None:
        from ivr.sip.telephony import SystemClock

        self.clock, self.timers = SystemClock(), asyncio.get_running_loop()

    async def passes(self, duration_s: float) -> None:
        """Waits, a little longer."""
        await asyncio.sleep(duration_s + 0.01)


@pytest.fixture(
    params=[
        pytest.param(ManualTime, id="manual", marks=pytest.mark.unit),
        pytest.param(LoopTime, id="loop", marks=pytest.mark.adapter),
    ]
)
def time(request: pytest.FixtureRequest) -> Callable[[], Time]:
    made: Callable[[], Time] = request.param
    return made


def in_time(test: Callable[[Time], Coroutine[None, None, None]]) -> Callable[..., None]:
    """Run an async test on a loop of its own."""

    @wraps(test)
    def run(time: Callable[[], Time]) -> None:
        async def play() -> None:
            await test(time())

        asyncio.run(play())

    return run


class Diary:
    """What fired, in order."""

    def __init__(self) -> None:
        self.entries: list[str] = []

    def writes(self, entry: str) -> Callable[[], None]:
        """A callback that notes it."""
        return lambda: self.entries.append(entry)


@in_time
async def test_both_clocks_go_on_together_and_the_wall_clock_is_utc(time: Time) -> None:
    began_s, began_at = time.clock.monotonic_s(), time.clock.now()
    await time.passes(0.05)
    passed_s = time.clock.monotonic_s() - began_s
    assert passed_s == pytest.approx(0.05, abs=0.04)
    assert (time.clock.now() - began_at).total_seconds() == pytest.approx(passed_s, abs=0.05)
    assert began_at.tzinfo is UTC and began_at.utcoffset() == timedelta(0)


@in_time
async def test_timers_fire_by_their_instant_and_those_of_one_instant_in_the_order_they_were_set(time: Time) -> None:
    diary = Diary()
    for after_s, entry in ((0.03, "third"), (0.0, "first"), (0.03, "fourth"), (0.01, "second"), (5.0, "never")):
        timer = time.timers.call_later(after_s, diary.writes(entry))
    assert diary.entries == [], "nothing fires within call_later"
    await time.passes(0.05)
    timer.cancel()
    assert diary.entries == ["first", "second", "third", "fourth"]


@in_time
async def test_a_timer_never_fires_early_nor_twice(time: Time) -> None:
    fired_s: list[float] = []
    began_s = time.clock.monotonic_s()
    time.timers.call_later(0.02, lambda: fired_s.append(time.clock.monotonic_s() - began_s))
    await time.passes(0.01)
    await time.passes(0.1)
    (after_s,) = fired_s
    assert 0.0199 <= after_s < 0.1


@in_time
async def test_a_cancelled_timer_never_fires_and_may_be_cancelled_again(time: Time) -> None:
    diary = Diary()
    cancelled, fired = (time.timers.call_later(0.01, diary.writes(entry)) for entry in ("cancelled", "fired"))
    cancelled.cancel()
    cancelled.cancel()
    await time.passes(0.03)
    fired.cancel()
    await time.passes(0.01)
    assert diary.entries == ["fired"]


@in_time
async def test_a_timer_can_cancel_another_of_the_same_instant_and_start_a_new_one(time: Time) -> None:
    diary, others = Diary(), list[Any]()

    def fire() -> None:
        diary.entries.append("first")
        others[0].cancel()
        time.timers.call_later(-1.0, diary.writes("at once"))
        time.timers.call_later(0.01, diary.writes("later"))

    time.timers.call_later(0.02, fire)
    others.append(time.timers.call_later(0.02, diary.writes("cancelled")))
    await time.passes(0.05)
    assert diary.entries == ["first", "at once", "later"]
