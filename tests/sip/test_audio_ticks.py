from __future__ import annotations

import pytest

from ivr.measures.counters import Counters
from ivr.ports import metrics
from ivr.sip.audio_ticks import TICK_S, AudioTicks
from ivr.testing.sip_peer import SipPeer
from tests.sip.bot import Bot, scenario
from tests.waiting import until

pytestmark = pytest.mark.adapter


def ticked(behind_s: list[float], ticks: AudioTicks | None = None) -> int:
    """Late ones among ticks that come so long after their time."""
    ticks = ticks or AudioTicks()
    ticks.restart(50 - TICK_S)
    for number, each_s in enumerate(behind_s):
        ticks.tick(50 + number * TICK_S + each_s)
    return ticks.late


def test_ticks_in_time_are_not_late() -> None:
    assert ticked([0, 0.004, 0, 0.015, 0.001]) == 0


def test_a_tick_behind_its_time_is_late_whatever_the_one_before_was() -> None:
    assert ticked([0, 0.025, 0, 0.03, 0.05, 0]) == 3


def test_a_first_tick_that_was_late_does_not_excuse_the_next_ones() -> None:
    assert ticked([0.03, 0, 0.025]) == 2


def test_a_clock_that_goes_on_after_a_long_stop_is_late_once() -> None:
    assert ticked([0, 0, *([0.7] * 20)]) == 1


def test_ticks_that_are_made_up_for_are_late_and_leave_nothing_behind() -> None:
    assert ticked([0, 0.1, 0.08, 0.06, 0.04, 0.019, 0, 0.025, 0]) == 5


def test_a_clock_that_was_off_is_not_late() -> None:
    ticks = AudioTicks()
    ticked([0, 0], ticks)
    ticks.restart(90.0)
    ticks.tick(90.0 + TICK_S)
    assert (ticks.count, ticks.late) == (3, 0)


def test_how_late_every_tenth_tick_was_is_measured() -> None:
    counters = Counters()
    between = [0.1] + [0.0] * 8
    ticked([0, *between, 0.0015, *between, 0.025, *between, 0.7], AudioTicks(counters))
    [(_, numbers)] = counters.snapshot()[metrics.AUDIO_TICK_DELAY.name]
    *buckets, total_s = numbers
    found = dict(zip((*metrics.AUDIO_TICK_DELAY.bounds, "more"), buckets, strict=True))
    assert {bound: count for bound, count in found.items() if count} == {0.001: 1, 0.002: 1, 0.03: 1, "more": 1}
    assert total_s == pytest.approx(0.7265)


@scenario
async def test_the_audio_clock_of_a_call_is_looked_at() -> None:
    async with Bot() as bot, SipPeer() as phone:
        assert bot.telephony.audio_ticks == (0, 0)
        call = await phone.dial(bot.uri)
        await until(lambda: bot.telephony.audio_ticks[0] >= 1 / TICK_S, "a second of ticks")
        count, late = bot.telephony.audio_ticks
        assert late <= count / 2
        await call.hang_up()
