"""More callers than legs: those who are here are served, the others are told so at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from ivr.testing.sip_peer import PeerCall, SipPeer
from tests.live.bots import (
    EXIT_HZ,
    HEARD_HZ,
    MENU_HZ,
    TARGETS,
    LiveBot,
    answered,
    greeted,
    hears,
    key_for,
    live,
    running_bot,
)
from tests.ports import ports_of

pytestmark = pytest.mark.live

PORT, RESERVING_PORT, PERSON_PORT = ports_of("capacity", 3)
LEGS = 4
PERSON_HZ = 1330


def _settings() -> dict[str, Any]:
    return {"targets": {name: {"sip": f"sip:person@127.0.0.1:{PERSON_PORT}"} for name in TARGETS}}


@pytest.fixture(scope="module")
def full_bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    """Every leg may be a caller."""
    with running_bot(tmp_path_factory.mktemp("full"), PORT, settings=_settings()) as bot:
        yield bot


@pytest.fixture(scope="module")
def reserving_bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    """One leg is kept for transfers."""
    with running_bot(
        tmp_path_factory.mktemp("reserving"), RESERVING_PORT, settings=_settings(), reserved_legs=1
    ) as bot:
        yield bot


async def _callers(stack: AsyncExitStack, bot: LiveBot, count: int) -> list[PeerCall]:
    """So many telephones that call at once, each hearing the menu."""
    phones = [await stack.enter_async_context(SipPeer(user=f"guest{n}")) for n in range(count)]
    calls = await asyncio.gather(*(answered(phone.dial(bot.uri)) for phone in phones))
    await asyncio.gather(*(hears(call, MENU_HZ) for call in calls))
    return list(calls)


async def _refused(bot: LiveBot) -> None:
    async with SipPeer(user="late") as phone:
        call = await phone.dial(bot.uri, timeout_s=3)
        assert call.ended_by == "remote", "silence"
        assert call.status in (486, 503)
        assert call.ended_at_s is not None
        assert call.ended_at_s - call.invited_at_s < 0.5


@live
async def test_the_fifth_of_five_is_told_that_all_is_busy(full_bot: LiveBot) -> None:
    async with AsyncExitStack() as stack:
        calls = await _callers(stack, full_bot, LEGS)
        for _ in range(3):
            await _refused(full_bot)
        await calls[1].hang_up()
        await asyncio.sleep(0.2)
        await greeted(full_bot)
        await asyncio.gather(*(calls[n].press("1") for n in (0, 2, 3)))
        await asyncio.gather(*(hears(calls[n], HEARD_HZ["sales"]) for n in (0, 2, 3)))


@live
async def test_five_in_the_same_instant_are_four_calls_and_one_refusal(full_bot: LiveBot) -> None:
    async with AsyncExitStack() as stack:
        phones = [await stack.enter_async_context(SipPeer(user=f"rush{n}")) for n in range(5)]
        calls = await asyncio.gather(*(phone.dial(full_bot.uri, timeout_s=5) for phone in phones))
        assert sorted(call.status for call in calls)[:4] == [200] * 4
        assert sorted(call.status for call in calls)[4] in (486, 503)
        await asyncio.gather(*(hears(call, MENU_HZ) for call in calls if call.is_answered))


@pytest.mark.parametrize("mode", ["auto", "bridge", "attended"])
@live
async def test_a_transfer_without_a_free_leg_takes_its_exit_with_the_caller_still_there(
    full_bot: LiveBot, mode: str
) -> None:
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(SipPeer(port=PERSON_PORT))
        calls = await _callers(stack, full_bot, LEGS)
        await calls[0].press(key_for("phone", mode), duration_ms=60, gap_ms=60)
        exit_s = await hears(calls[0], EXIT_HZ["unreachable"])
        await hears(calls[0], MENU_HZ, after_s=exit_s)
        assert not desk.calls


@live
async def test_a_reserved_leg_is_there_for_the_transfer(reserving_bot: LiveBot) -> None:
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(SipPeer(port=PERSON_PORT))
        calls = await _callers(stack, reserving_bot, LEGS - 1)
        await _refused(reserving_bot)
        await calls[2].press(key_for("phone", "bridge"), duration_ms=60, gap_ms=60)
        person = await desk.wait_call(5)
        await person.wait_answered(5)
        person.send_tone(PERSON_HZ, 2.0)
        await hears(calls[2], PERSON_HZ)
        await _refused(reserving_bot)


@live
async def test_a_second_transfer_waits_for_no_leg(reserving_bot: LiveBot) -> None:
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(SipPeer(port=PERSON_PORT))
        calls = await _callers(stack, reserving_bot, LEGS - 1)
        await calls[0].press(key_for("phone", "bridge"), duration_ms=60, gap_ms=60)
        await (await desk.wait_call(5)).wait_answered(5)
        await calls[1].press(key_for("phone", "bridge"), duration_ms=60, gap_ms=60)
        await hears(calls[1], EXIT_HZ["unreachable"])
        await calls[0].hang_up()
        await asyncio.sleep(0.3)
        await calls[1].press(key_for("phone", "bridge"), duration_ms=60, gap_ms=60)
        await (await desk.wait_call(5)).wait_answered(5)
