"""One thread ticks for all audio while there is a call; it does nothing without one, and misses nothing of the next."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ivr.ports import LegAnswered, LegEnded
from ivr.sip.audio_ticks import TICK_S
from ivr.testing.sip_peer import SipPeer
from tests.sip.bot import Bot, scenario
from tests.waiting import until

pytestmark = pytest.mark.adapter

LOOK_S = 0.4
TICKS = LOOK_S / TICK_S


def sleeps() -> int:
    """How often the thread has gone to sleep so far; it is made for the first call."""
    thread = next((each for each in threading.enumerate() if each.name == "media"), None)
    if thread is None:
        return 0
    status = Path(f"/proc/self/task/{thread.native_id}/status").read_text()
    return int(status.split("\nvoluntary_ctxt_switches:")[1].split()[0])


def thread_names() -> set[str]:
    """As the library names its threads."""
    return {(task / "comm").read_text().strip() for task in Path("/proc/self/task").iterdir()}


async def sleeps_meanwhile() -> int:
    before = sleeps()
    await asyncio.sleep(LOOK_S)
    return sleeps() - before


async def rests() -> None:
    """Wait until the clock is off."""
    end_s = time.monotonic() + 8.0
    while await sleeps_meanwhile() > 0:
        assert time.monotonic() < end_s, "the media clock does not rest"


@scenario
async def test_the_clock_rests_between_calls_and_takes_each_from_its_first_packet_on() -> None:
    async with Bot() as bot, SipPeer() as phone:
        for _ in range(2):
            await rests()
            call = await phone.dial(bot.uri)
            await until(lambda call=call: len(call.stream.sent) >= 15, "audio of the caller")  # type: ignore[misc]
            call.stream.is_sending = False
            assert await sleeps_meanwhile() >= TICKS / 2
            sent = len(call.stream.sent)
            await call.hang_up()
            rtp = (await bot.wait(LegEnded, bot.seen(LegAnswered)[-1].leg_id)).rtp
            assert rtp is not None
            assert (rtp.received, rtp.lost) == (sent, 0)


@scenario
async def test_nobody_but_the_clock_wakes_for_the_packets_of_a_call() -> None:
    async with Bot() as bot, SipPeer() as phone:
        await phone.dial(bot.uri)
        await until(lambda: bot.telephony.audio_ticks[0] > 0, "audio")
        assert not thread_names() & {"media", "clock"}
        assert await sleeps_meanwhile() <= TICKS * 1.5


def test_a_library_that_is_dropped_without_being_closed_ends() -> None:
    lines = (
        "from ivr.config import SipSettings",
        "from ivr.sip.endpoint import Endpoint",
        "endpoint = Endpoint(SipSettings(address='127.0.0.1', port=0))",
        "endpoint.open()",
        "endpoint.start_clock()",
        "endpoint.poll(0.1)",
    )
    for last in ("", "del endpoint"):
        subprocess.run([sys.executable, "-c", "\n".join((*lines, last))], check=True, timeout=20)
