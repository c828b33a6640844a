"""Callers of a process that died go on sending: the next caller's audio is not for them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest

from ivr.sip.orphan_audio import OrphanAudio
from ivr.testing.sip_peer import SipPeer
from tests.sip.bot import Bot, scenario, settings

pytestmark = pytest.mark.adapter

FIRST = 14700


@contextlib.asynccontextmanager
async def orphan(*ports: int) -> AsyncIterator[socket.socket]:
    """A caller who sends a packet to each port every 5 ms; what comes back stays in the socket."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
        caller.setblocking(False)
        caller.bind(("127.0.0.1", 0))

        async def send() -> None:
            packet = b"\x80\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x09" + b"\xff" * 160
            while True:
                for port in ports:
                    with contextlib.suppress(OSError):
                        caller.sendto(packet, ("127.0.0.1", port))
                await asyncio.sleep(0.005)

        sending = asyncio.create_task(send())
        try:
            yield caller
        finally:
            sending.cancel()


@scenario
async def test_a_caller_of_a_dead_process_does_not_get_the_next_callers_audio() -> None:
    async with (
        orphan(FIRST) as dead,
        Bot(settings(rtp_port=FIRST, rtp_port_count=16)) as bot,
        SipPeer() as phone,
    ):
        call = await phone.dial(bot.uri, timeout_s=3)
        assert call.remote_sdp is not None and str(FIRST) not in str(call.remote_sdp)
        await call.hang_up()
        with pytest.raises(BlockingIOError):
            dead.recv(2048)


@scenario
async def test_ports_are_held_as_long_as_something_comes_and_never_more_than_half_of_them() -> None:
    audio = OrphanAudio("127.0.0.1", FIRST, 8)
    async with orphan(FIRST, FIRST + 2, FIRST + 4):
        audio.open()
        await asyncio.sleep(0.05)
        audio.keep_heard()
        assert audio.held_ports == [FIRST, FIRST + 2]
        await asyncio.sleep(0.05)
        audio.give_back_quiet()
        assert audio.held_ports == [FIRST, FIRST + 2]
    for _ in range(2):
        await asyncio.sleep(0.05)
        audio.give_back_quiet()
    assert audio.held_ports == []


def test_ports_of_somebody_else_are_left_alone() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", FIRST))
        audio = OrphanAudio("127.0.0.1", FIRST, 4)
        audio.open()
        assert audio.held_ports == [FIRST + 2]
        audio.close()
        audio.close()
        assert audio.held_ports == []
