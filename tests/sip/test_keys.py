from __future__ import annotations

import asyncio

import pytest

from ivr.ports import DtmfMethod, KeyPressed, LegAnswered
from ivr.testing.sip_peer import SipPeer
from tests.sip.bot import Bot, scenario

pytestmark = pytest.mark.adapter


def pressed(bot: Bot) -> str:
    """The keys reported so far."""
    return "".join(event.digit for event in bot.seen(KeyPressed))


@scenario
async def test_every_key_by_rtp_is_reported_once_and_in_order() -> None:
    async with Bot() as bot, SipPeer() as phone:
        call = await phone.dial(bot.uri)
        await bot.wait(LegAnswered)
        await call.press("1234567890*#1122", duration_ms=60, gap_ms=40)
        await bot.wait(KeyPressed, count=16)
        assert pressed(bot) == "1234567890*#1122"
        assert {event.method for event in bot.seen(KeyPressed)} == {DtmfMethod.RFC4733}


@scenario
async def test_a_key_is_reported_at_its_start() -> None:
    async with Bot() as bot, SipPeer() as phone:
        call = await phone.dial(bot.uri)
        await bot.wait(LegAnswered)
        sending = (await call.press("5", duration_ms=400))[0]
        key = await bot.wait(KeyPressed)
        assert sending.started_at_s is not None
        assert key.at_s - sending.started_at_s < 0.1
        assert 0 < key.held_s <= 0.1


@scenario
async def test_a_key_held_from_before_tells_how_long() -> None:
    async with Bot() as bot, SipPeer() as phone:
        call = await phone.dial(bot.uri)
        await bot.wait(LegAnswered)
        await call.press("5", duration_ms=200, held_ms=700)
        assert (await bot.wait(KeyPressed)).held_s >= 0.7


@pytest.mark.parametrize(
    "shape",
    [{"end_packets": 0}, {"end_packets": 8}, {"has_marker": False}, {"drop_packets": (0, 1)}, {"drop_packets": (4, 5)}],
)
def test_lost_or_repeated_packets_neither_lose_nor_double_a_key(shape: dict[str, object]) -> None:
    @scenario
    async def run() -> None:
        async with Bot() as bot, SipPeer() as phone:
            call = await phone.dial(bot.uri)
            await bot.wait(LegAnswered)
            for key in "7745":
                await call.press(key, **shape)  # type: ignore[arg-type]  # one parametrized option each
            await bot.wait(KeyPressed, count=4)
            await asyncio.sleep(0.1)
            assert pressed(bot) == "7745"

    run()


@scenario
async def test_keys_by_info() -> None:
    async with Bot() as bot, SipPeer() as phone:
        call = await phone.dial(bot.uri)
        await bot.wait(LegAnswered)
        await call.press("19*#", method="info", gap_ms=10)
        await bot.wait(KeyPressed, count=4)
        assert pressed(bot) == "19*#"
        assert {event.method for event in bot.seen(KeyPressed)} == {DtmfMethod.SIP_INFO}
        assert {event.held_s for event in bot.seen(KeyPressed)} == {0.0}


@scenario
async def test_keys_that_we_send_arrive() -> None:
    async with Bot() as bot, SipPeer() as phone:
        call = await phone.dial(bot.uri)
        bot.telephony.send_digits((await bot.wait(LegAnswered)).leg_id, "90#")
        await call.wait_digits("90#")
