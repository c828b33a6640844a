"""A bot with too much to do refuses new calls and keeps those that it has; one worker, and several behind the front."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ivr.supervisor.control import ask
from ivr.testing.sip_peer import PeerCall, SipPeer
from ivr.testing.sip_peer.recording import read_wav
from tests.live.bots import (
    HEARD_HZ,
    MENU_HZ,
    NUMBER_HZ,
    SPEECH,
    TARGETS,
    LiveBot,
    answered,
    hears,
    key_for,
    live,
    running_bot,
)
from tests.ports import ports_of

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(shutil.which("kamailio") is None, reason="kamailio is not installed (make test does)"),
]

PORT, FRONT_PORT, WORK_PORT, INNER_PORT, PERSON, FRONT_PERSON, FIRST_WORKER, *_ = ports_of("admission", 20)
PERSON_PORTS = {PORT: PERSON, FRONT_PORT: FRONT_PERSON}
ANY_AUDIO = {"late_audio": "0%", "cpu": "100%", "own_work": "0%", "hold": "1s"}
"""Reached as soon as there is a call."""
BUSY_CORES = 0.04
"""What the bot's work must take of a processor: a silent call takes 0.014, with two that speak it is 0.17."""
TURNS_WITHIN_S = 10.0
PERSON_HZ = 1330


def started(stack: ExitStack, folder: Path, port: int, capacity: int) -> LiveBot:
    settings = {
        "capacity": capacity,
        "admission": ANY_AUDIO,
        "front": {"inner_port": INNER_PORT, "limits": {"calls_per_s": 100}},
        "workers": {"sip_port": FIRST_WORKER},
        "targets": {name: {"sip": f"sip:person@127.0.0.1:{PERSON_PORTS[port]}"} for name in TARGETS},
    }
    return stack.enter_context(
        running_bot(folder, port, settings=settings, rtp_port=17600 + port % 2 * 200, rtp_port_count=200)
    )


async def says(bot: LiveBot, event: str) -> None:
    """Wait for a line of its log."""
    deadline_s = time.monotonic() + TURNS_WITHIN_S
    while event not in bot.log():
        assert time.monotonic() < deadline_s, f"no {event} within {TURNS_WITHIN_S} s\n{bot.log()}"
        await asyncio.sleep(0.05)


async def called(bot: LiveBot, phone: SipPeer, status: int) -> PeerCall:
    """A call that gets this answer; the front is told of a change in the moment when the log is."""
    for _ in range(10):
        call = await phone.dial(bot.uri, timeout_s=5)
        if call.status == status:
            return call
        if call.is_answered:
            await call.hang_up()
        await asyncio.sleep(0.05)
    raise AssertionError(f"{call.status} instead of {status}\n{bot.log()}")


async def goes_on(call: PeerCall, key: str, hz: float) -> None:
    since_s = len(call.received_audio()) / 8000
    await call.press(key, duration_ms=60, gap_ms=60)
    await hears(call, hz, after_s=since_s)


async def refuses_and_takes_again(bot: LiveBot) -> None:
    async with AsyncExitStack() as stack:
        phone, late = [await stack.enter_async_context(SipPeer(user=user)) for user in ("here", "late")]
        desk = await stack.enter_async_context(SipPeer(port=PERSON_PORTS[bot.port]))
        call = await answered(phone.dial(bot.uri, timeout_s=5))
        await hears(call, MENU_HZ)
        await says(bot, "new_calls_refused")
        assert int((await called(bot, late, 503)).header("Retry-After") or 0) >= 1
        await goes_on(call, "1", HEARD_HZ["sales"])
        await call.press(key_for("phone", "bridge"), duration_ms=60, gap_ms=60)
        person = await desk.wait_call(5)
        await person.wait_answered(5)
        person.send_tone(PERSON_HZ, 1.0)
        await hears(call, PERSON_HZ)
        await call.hang_up()
        await says(bot, "new_calls_taken_again")
        await (await called(bot, late, 200)).hang_up()


@live
async def test_calls_in_progress_go_on_while_new_ones_are_refused_and_then_taken_again(tmp_path: Path) -> None:
    with ExitStack() as stack:
        one = started(stack, tmp_path / "one", PORT, 4)
        several = started(stack, tmp_path / "several", FRONT_PORT, 8)
        await asyncio.gather(*map(refuses_and_takes_again, (one, several)))
        found = ask(several.folder / "var/run", {"do": "status"})
        assert found["front"]["refused"]["overload"] >= 1


def listening_flow() -> dict[str, Any]:
    """Listens for as long as anybody speaks."""
    ask = {"ask": "free", "prompt": f"sounds/t{NUMBER_HZ}.wav", "into": "words", "next": "hang_up"}
    waits = {"final_silence": "5s", "max_speech_duration": "60s", "failed": "hang_up"}
    return {
        "flow": "listens",
        "language": "en-US",
        "start": "all_ears",
        "variables": {"words": ""},
        "steps": {"all_ears": {**ask, **waits}},
    }


async def talks(stack: AsyncExitStack, bot: LiveBot, number: int) -> PeerCall:
    """A caller who speaks on and on."""
    phone = await stack.enter_async_context(SipPeer(user=f"talker{number}", codecs=("PCMU",)))
    call = await answered(phone.dial(bot.uri.replace("live@", "listens@"), timeout_s=5))
    call.send_wav(np.concatenate([read_wav(SPEECH / f"{name}.wav") for name in ("vm-sorry", "tt-weasels")]), loop=True)
    return call


@live
async def test_work_on_calls_that_fills_the_processors_refuses_new_ones_until_it_is_done(tmp_path: Path) -> None:
    share = f"{100 * BUSY_CORES / len(os.sched_getaffinity(0)):.3f}%"
    settings = {
        "admission": {"late_audio": "100%", "cpu": share, "own_work": share, "hold": "1s"},
        "numbers": {"listens": {"flow": "listens"}},
    }
    with running_bot(tmp_path / "bot", WORK_PORT, flows=[listening_flow()], settings=settings) as bot:
        async with AsyncExitStack() as stack:
            phone, late = [await stack.enter_async_context(SipPeer(user=user)) for user in ("here", "late")]
            call = await answered(phone.dial(bot.uri, timeout_s=5))
            talkers = [await talks(stack, bot, number) for number in range(2)]
            await says(bot, "new_calls_refused")
            assert int((await called(bot, late, 503)).header("Retry-After") or 0) >= 1
            await goes_on(call, "1", HEARD_HZ["sales"])
            assert not any(talker.is_ended for talker in talkers)
            assert [each.rtp_stats().lost for each in (call, *talkers)] == [0, 0, 0]
            for talker in talkers:
                await talker.hang_up()
            await says(bot, "new_calls_taken_again")
            await (await called(bot, late, 200)).hang_up()
            await goes_on(call, "2", HEARD_HZ["agent"])
        assert "reasons=['cpu']" in next(line for line in bot.log().splitlines() if "new_calls_refused" in line)
