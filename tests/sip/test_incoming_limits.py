"""What bounds strangers at an open port, and never the callers: forgotten offers, half-open calls, idle connections."""

from __future__ import annotations

import asyncio
import ctypes
import importlib
import socket
from contextlib import AsyncExitStack, ExitStack

import pytest

from ivr.ports import LegEnded, LegOffered
from ivr.sip import agent, connections, half_open, unanswered
from ivr.sip.connections import CONNECTIONS_LIMIT
from ivr.testing.sip_peer import SipPeer
from tests.sip.bot import Bot, scenario, settings

pytestmark = pytest.mark.adapter


@scenario
async def test_a_forgotten_offer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent, "UNDECIDED_LIMIT_S", 0.2)
    async with Bot(answers=False) as bot, SipPeer() as phone:
        call = await phone.dial(bot.uri)
        assert call.status == 503


@scenario
async def test_legs_of_invites_that_nobody_acknowledges_are_freed() -> None:
    module = importlib.import_module("pjsua2._pjsua2")
    set_timers = ctypes.CDLL(str(module.__file__)).pjsip_tsx_set_timers
    async with Bot() as bot, SipPeer() as phone, SipPeer(host="127.0.0.2") as other:
        set_timers(20, 100, 200, 1000)  # milliseconds: the standard's 0.5, 4, 5 and 32 s, for a short test
        try:
            for _ in range(bot.telephony.max_legs):
                phone.send_raw(phone.invite_text(bot.uri), ("127.0.0.1", bot.telephony.port))
            await bot.wait(LegOffered, count=bot.telephony.max_legs)
            assert (await phone.dial(bot.uri)).status == 486
            await bot.wait(LegEnded, count=bot.telephony.max_legs, timeout_s=20)
            assert (await other.dial(bot.uri)).status == 200
            assert (await phone.dial(bot.uri)).status == 486, "its calls were never acknowledged"
        finally:
            set_timers(500, 4000, 5000, 32000)
    bot.assert_ended_once()


@scenario
async def test_calls_that_nobody_acknowledges_make_room_when_all_legs_are_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(half_open, "WANTED_LIMIT_S", 0.0)
    monkeypatch.setattr(unanswered, "_GOODBYE_MS", 300)
    async with Bot() as bot, SipPeer() as phone, SipPeer(host="127.0.0.2") as other:
        talking = await other.dial(bot.uri)
        for _ in range(bot.telephony.max_legs - 1):
            phone.send_raw(phone.invite_text(bot.uri), ("127.0.0.1", bot.telephony.port))
            await phone.raw_response(containing=b"SIP/2.0 200")
        assert (await other.dial(bot.uri)).status == 486
        await bot.wait(LegEnded, count=bot.telephony.max_legs - 1)
        assert (await other.dial(bot.uri)).status == 200
        assert talking.ended_by is None, "a call that was acknowledged goes on"
    bot.assert_ended_once()


async def _never_acknowledged(bot: Bot) -> int:
    """The answer to an INVITE of a caller who leaves it at that."""
    async with SipPeer() as phone:
        phone.send_raw(phone.invite_text(bot.uri), ("127.0.0.1", bot.telephony.port))
        await phone.raw_response(containing=b"SIP/2.0 100")
        return int((await phone.raw_response(containing=b"tag=")).data.split()[1])


@pytest.mark.parametrize(("peers", "third"), [((), 486), (("127.0.0.1",), 200)])
def test_half_open_calls_of_one_source_are_limited_and_those_of_known_peers_are_not(
    peers: tuple[str, ...], third: int
) -> None:
    @scenario
    async def run() -> None:
        async with Bot(settings(half_open_per_source=2, trusted_peers=peers)) as bot, SipPeer() as phone:
            assert (await phone.dial(bot.uri)).status == 200, "a call that was acknowledged does not count"
            assert [await _never_acknowledged(bot) for _ in range(3)] == [200, 200, third]

    run()


@scenario
async def test_idle_connections_never_keep_a_caller_by_tcp_out() -> None:
    async with Bot() as bot, SipPeer(transport="tcp") as phone, SipPeer(transport="tcp") as other:
        address = ("127.0.0.1", bot.telephony.port)
        first = await other.dial(f"{bot.uri};transport=tcp")
        with ExitStack() as stack:
            for _ in range(2 * CONNECTIONS_LIMIT):
                stack.enter_context(socket.create_connection(address))
                await asyncio.sleep(0.03)
            call = await phone.dial(f"{bot.uri};transport=tcp", timeout_s=3)
            assert call.status == 200
            assert (await first.reinvite()).status == 200  # a connection that carries a call was left alone
            assert first.ended_by is None


@scenario
async def test_connections_that_keep_speaking_never_keep_a_caller_by_tcp_out() -> None:
    async with Bot() as bot, SipPeer(transport="tcp") as phone:
        address = ("127.0.0.1", bot.telephony.port)
        async with AsyncExitStack() as stack:
            for _ in range(CONNECTIONS_LIMIT):
                talker = await stack.enter_async_context(SipPeer(transport="tcp"))
                assert (await talker.options(address)).status == 200
            assert (await phone.dial(f"{bot.uri};transport=tcp", timeout_s=3)).status == 200


@scenario
async def test_a_connection_that_says_nothing_is_closed_and_one_that_carries_a_call_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "SILENT_LIMIT_S", 0.2)
    monkeypatch.setattr(connections, "IDLE_LIMIT_S", 0.2)
    monkeypatch.setattr(agent, "SWEEP_EVERY_S", 0.1)
    async with Bot() as bot, SipPeer(transport="tcp") as phone:
        call = await phone.dial(f"{bot.uri};transport=tcp")
        reader, writer = await asyncio.open_connection("127.0.0.1", bot.telephony.port)
        assert await asyncio.wait_for(reader.read(), 3) == b""
        writer.close()
        assert call.ended_by is None
        assert (await call.reinvite()).status == 200


@scenario
async def test_connections_with_requests_under_way_are_no_way_to_use_up_the_librarys_sockets() -> None:
    async with Bot() as bot, SipPeer() as phone, SipPeer(transport="tcp") as other:
        address = ("127.0.0.1", bot.telephony.port)
        with ExitStack() as stack:
            for _ in range(4 * CONNECTIONS_LIMIT):
                connection = stack.enter_context(socket.create_connection(address, timeout=5))
                connection.sendall(other.invite_text(f"{bot.uri};transport=tcp"))  # nobody acknowledges the answer
                await asyncio.sleep(0.005)
            assert (await phone.options(address, timeout_s=10)).status == 200
            assert (await other.options(address, timeout_s=10)).status == 200
    bot.assert_ended_once()


@scenario
async def test_a_bot_with_too_much_to_do_refuses_new_calls_with_retry_after_and_keeps_the_others() -> None:
    async with Bot() as bot, SipPeer() as phone:
        call = await phone.dial(bot.uri)
        bot.telephony.refuse_new_calls(7)
        refused = await phone.dial(bot.uri)
        brought_back = await phone.dial(bot.uri, headers={"X-Transfer-Result": "BUSY"})
        assert (refused.status, refused.header("Retry-After")) == (503, "7")
        assert brought_back.is_answered, "that is a call in progress"
        assert call.is_answered and not call.ended_by
        bot.telephony.refuse_new_calls(0)
        assert (await phone.dial(bot.uri)).is_answered
        assert len(bot.seen(LegOffered)) == 3
