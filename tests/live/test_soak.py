"""Two hundred calls in a row: nothing is left behind by any of them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator

import pytest

from benchmarks.soak import one_call
from ivr.testing.sip_peer import SipPeer
from tests.live.bots import TARGETS, LiveBot, greeted, live, running_bot, wait_until
from tests.ports import ports_of

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]

PORT, PERSON_PORT = ports_of("soak", 2)
CALLS, CALLERS, FIRST_CALLS = 200, 3, 24
SEED = 20260
LINGER_S = 3.0
"""The media clock and the library's sockets outlive the last call by up to two seconds."""
REST_S = 30.0
"""The process that writes the records rests after ten seconds without one, and takes its two pipes along."""
GROWTH_LIMIT_MB = 12.0


@pytest.fixture(scope="module")
def soak_bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    """One leg is kept for transfers."""
    settings = {"targets": {name: {"sip": f"sip:person@127.0.0.1:{PERSON_PORT}"} for name in TARGETS}}
    with running_bot(tmp_path_factory.mktemp("soak"), PORT, settings=settings, reserved_legs=1) as bot:
        yield bot


async def _calls(bot: LiveBot, count: int, seed: int) -> list[str]:
    """So many calls by several callers at once."""

    async def caller(number: int) -> list[str]:
        chance = random.Random(seed + number)
        async with SipPeer(user=f"soak{number}") as phone:
            return [
                await one_call(phone, bot.uri, chance, chance.uniform(0.0, 0.8))
                for _ in range(count // CALLERS + (number < count % CALLERS))
            ]

    async with SipPeer(port=PERSON_PORT):
        return [kind for kinds in await asyncio.gather(*map(caller, range(CALLERS))) for kind in kinds]


@live
async def test_two_hundred_calls_leave_nothing_behind(soak_bot: LiveBot) -> None:
    kinds = await _calls(soak_bot, FIRST_CALLS, SEED)
    await asyncio.sleep(LINGER_S)
    before, before_mb = soak_bot.resources(), soak_bot.rss_mb()
    kinds += await _calls(soak_bot, CALLS - FIRST_CALLS, SEED + CALLERS)
    assert not [kind for kind in kinds if kind.startswith("refused")], kinds
    assert len(kinds) == CALLS
    wait_until(
        lambda: all(now <= then for now, then in zip(soak_bot.resources(), before, strict=True)),
        LINGER_S + REST_S,
        lambda: f"threads and files: {before} before, {soak_bot.resources()} after",
    )
    grown_mb = soak_bot.rss_mb() - before_mb
    assert grown_mb < GROWTH_LIMIT_MB, f"{before_mb:.0f} MB grew by {grown_mb:.1f} MB"
    _all_recorded(soak_bot)
    await asyncio.gather(*(greeted(soak_bot, user=f"after{n}") for n in range(CALLERS)))
    assert "Traceback" not in soak_bot.log()
    assert "[error" not in soak_bot.log()


def _all_recorded(bot: LiveBot) -> None:
    def ended() -> int:
        return sum(bool(call["ended_at"]) for call in bot.calls(CALLS + 50))

    wait_until(lambda: ended() == CALLS, 10, lambda: f"{ended()} of {CALLS} calls have a finished record")
