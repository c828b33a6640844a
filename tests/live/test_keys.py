"""Keys of every shape, straight from a telephone to the bot: each press counts once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from ivr.testing.sip_peer import PeerCall, SipPeer
from ivr.testing.sip_peer.measure import spans_of_tone
from tests.live.bots import (
    HEARD_HZ,
    MENU_HZ,
    NO_MATCH_HZ,
    NUMBER_HZ,
    LiveBot,
    answered,
    hears,
    live,
    now_s,
    running_bot,
)
from tests.ports import ports_of

pytestmark = pytest.mark.live

(PORT,) = ports_of("keys", 1)
STAR_HZ, POUND_HZ, END_HZ = HEARD_HZ["sales"], HEARD_HZ["agent"], HEARD_HZ["number"]


def _collecting_flow() -> dict[str, Any]:
    """Takes up to forty digits after a tone; the record tells which. The next call takes * and #."""
    tone = {name: f"sounds/t{hz}.wav" for name, hz in (("ask", NUMBER_HZ), ("star", STAR_HZ), ("end", END_HZ))}
    return {
        "flow": "collect",
        "start": "entry",
        "variables": {"entry": ""},
        "defaults": {
            "first_input_timeout": "5s",
            "inter_digit_timeout": "800ms",
            "max_attempts": 1,
            "no_input": f"sounds/t{NO_MATCH_HZ}.wav",
            "no_match": f"sounds/t{NO_MATCH_HZ}.wav",
            "failed": "bye",
            "confirm": "never",
        },
        "steps": {
            "entry": {
                "ask": "digits",
                "min_length": 1,
                "max_length": 40,
                "into": "entry",
                "terminator": "",
                "prompt": tone["ask"],
                "next": "signs",
            },
            "signs": {
                "menu": {
                    "prompt": tone["end"],
                    "choices": {"star": {"keys": "*", "go": "star"}, "pound": {"keys": "#", "go": "pound"}},
                }
            },
            "star": {"say": tone["star"], "next": "bye"},
            "pound": {"say": f"sounds/t{POUND_HZ}.wav", "next": "bye"},
            "bye": {"hang_up": True},
        },
    }


@pytest.fixture(scope="module")
def keys_bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    """Called without a PBX, so that keys arrive exactly as they are sent."""
    settings = {"numbers": {"collect": {"flow": "collect"}}}
    with running_bot(tmp_path_factory.mktemp("keys"), PORT, flows=[_collecting_flow()], settings=settings) as bot:
        yield bot


async def _entry(phone: SipPeer, bot: LiveBot) -> PeerCall:
    """A call whose prompt for digits has been heard; INFO soon after the answer may be a key held since before it."""
    call = await answered(phone.dial(bot.uri.replace("live@", "collect@")))
    await hears(call, NUMBER_HZ)
    await asyncio.sleep(0.3)
    return call


async def _entered(bot: LiveBot, user: str, keys: str, **shape: Any) -> str:
    """What the bot collected of keys that were pressed after its prompt began."""
    async with SipPeer(user=user) as phone:
        call = await _entry(phone, bot)
        await call.press(keys, **shape)
        await hears(call, END_HZ)
    return await _heard(bot, user)


async def _heard(bot: LiveBot, user: str) -> str:
    record = await asyncio.to_thread(bot.record_of, user)
    return "".join(step["heard"] for step in record["steps"] if step["step"] == "entry")


SHAPES: dict[str, dict[str, Any]] = {
    "0": {},
    "1": {"end_packets": 0},  # all lost
    "2": {"end_packets": 6},
    "3": {"has_marker": False},
    "4": {"drop_packets": (0,)},
    "5": {"drop_packets": (0, 1, 2)},
    "6": {"drop_packets": (1, 3, 5)},
    "7": {"duration_ms": 20, "end_packets": 1},  # a single packet
    "8": {"duration_ms": 40},
    "9": {"duration_ms": 2000},
}


@live
async def test_a_press_of_any_shape_is_one_digit(keys_bot: LiveBot) -> None:
    async with SipPeer(user="shapes") as phone:
        call = await _entry(phone, keys_bot)
        for digit, shape in SHAPES.items():
            await call.press(digit, **shape)
        await hears(call, END_HZ)
    assert await _heard(keys_bot, "shapes") == "".join(SHAPES)


@live
async def test_the_same_key_twice_quickly_is_two(keys_bot: LiveBot) -> None:
    async with SipPeer(user="twice") as phone:
        call = await _entry(phone, keys_bot)
        await call.press("55", duration_ms=60, gap_ms=40)
        await call.press("66", duration_ms=60, gap_ms=40, end_packets=0)
        await hears(call, END_HZ)
    assert await _heard(keys_bot, "twice") == "5566"


@live
async def test_twenty_digits_fast_arrive_in_order(keys_bot: LiveBot) -> None:
    digits = "01234567899876543210"
    assert await _entered(keys_bot, "fast", digits, duration_ms=50, gap_ms=50) == digits


@live
async def test_keys_by_info_are_one_digit_each(keys_bot: LiveBot) -> None:
    assert await _entered(keys_bot, "info", "1123", method="info", duration_ms=60, gap_ms=60) == "1123"


@live
async def test_a_press_that_comes_by_both_methods_is_one_digit(keys_bot: LiveBot) -> None:
    async with SipPeer(user="both") as phone:
        call = await _entry(phone, keys_bot)
        for key in "4422":
            await asyncio.gather(call.press(key), call.press(key, method="info"))
        await hears(call, END_HZ)
    assert await _heard(keys_bot, "both") == "4422"


@pytest.mark.parametrize(("key", "hz"), [("*", STAR_HZ), ("#", POUND_HZ)])
@live
async def test_star_and_pound_are_keys_as_well(keys_bot: LiveBot, key: str, hz: int) -> None:
    async with SipPeer(user="signs") as phone:
        call = await _entry(phone, keys_bot)
        await call.press("1")
        await hears(call, END_HZ)
        await call.press(key)
        await hears(call, hz)


@live
async def test_a_key_held_since_before_the_answer_does_not_count(keys_bot: LiveBot) -> None:
    async with SipPeer(user="held") as phone:
        call = await answered(phone.dial(keys_bot.uri))
        await asyncio.gather(call.press("1", duration_ms=800, held_ms=2000), hears(call, MENU_HZ))
        await asyncio.sleep(max(0.0, 2.0 - now_s(call)))
        await call.press("2")
        await hears(call, HEARD_HZ["agent"])
        assert not spans_of_tone(call.received_audio(), HEARD_HZ["sales"]), "the held key was taken"
