from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from pathlib import Path

import pytest

from ivr.errors import ConfigError, PortInUse
from ivr.ports import DialRequest, LegAnswered, LegEnded, LegId, LegOffered
from ivr.testing.sip_peer import AnswerAfter, SipPeer
from tests.sip.bot import Bot, scenario, settings, write_tone

pytestmark = pytest.mark.adapter


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_port_that_is_taken_is_named_with_the_remedy(kind: socket.SocketKind) -> None:
    @scenario
    async def run() -> None:
        with socket.socket(socket.AF_INET, kind) as taken:
            taken.bind(("127.0.0.1", 0))
            if kind is socket.SOCK_STREAM:
                taken.listen()
            port = taken.getsockname()[1]
            with pytest.raises(PortInUse, match=rf"127\.0\.0\.1:{port} .*taken by another program.*ivr\.yaml"):
                async with Bot(settings(port=port)):
                    pass
        async with Bot(settings(port=port)) as bot:
            assert bot.telephony.port == port

    run()


@scenario
async def test_neither_udp_nor_tcp_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="udp and tcp"):
        async with Bot(settings(udp=False, tcp=False)):
            pass


@scenario
async def test_it_can_be_started_again_and_leaves_nothing_behind() -> None:
    async with SipPeer() as phone:
        counts = []
        for _ in range(4):
            async with Bot() as bot:
                call = await phone.dial(bot.uri)
                assert call.is_answered
                await call.hang_up()
            await bot.telephony.stop()
            own_threads = [thread.name for thread in threading.enumerate() if "asyncio" not in thread.name]
            counts.append((len(own_threads), len(os.listdir("/proc/self/fd"))))
        assert counts[0] == counts[-1], counts


@scenario
async def test_stopping_ends_every_leg_within_three_seconds() -> None:
    async with SipPeer() as phone, SipPeer(incoming=AnswerAfter(30)) as ringing:
        async with Bot(answers=False) as bot:
            talking = await phone.invite(bot.uri)
            bot.telephony.answer((await bot.wait(LegOffered)).leg_id)
            await bot.wait(LegAnswered)
            waiting = await phone.invite(bot.uri)
            await bot.wait(LegOffered, count=2)
            bot.telephony.dial(DialRequest(ringing.uri))
            called = await ringing.wait_call()
            began_s = time.monotonic()
        assert time.monotonic() - began_s < 3.0
        for call in (talking, waiting, called):
            await call.wait_ended(1.0)
        assert talking.requests_of("BYE")
        assert waiting.status == 503
        assert len(bot.seen(LegEnded)) == 3
    bot.assert_ended_once()


@scenario
async def test_tcp_alone_takes_calls() -> None:
    async with Bot(settings(udp=False)) as bot, SipPeer(transport="tcp") as phone:
        assert (await phone.dial(f"{bot.uri};transport=tcp")).is_answered


@scenario
async def test_the_public_address_is_what_peers_see() -> None:
    async with Bot(settings(public_address="203.0.113.7")) as bot, SipPeer() as phone:
        call = await phone.dial(f"sip:100@127.0.0.1:{bot.telephony.port}")
        assert call.final is not None
        assert "203.0.113.7" in (call.final.headers.get("Contact") or "")
        assert b"c=IN IP4 203.0.113.7" in call.final.body
        assert bot.telephony.sip_uri == f"sip:203.0.113.7:{bot.telephony.port}"


@scenario
async def test_audio_ports_stay_in_the_configured_range() -> None:
    async with Bot(settings(rtp_port=15000, rtp_port_count=20)) as bot, SipPeer() as phone:
        for _ in range(8):
            call = await phone.dial(bot.uri)
            assert call.remote_sdp is not None
            assert 15000 <= call.remote_sdp.port < 15020
            await call.hang_up()


@pytest.mark.parametrize(("srtp", "status"), [("optional", 200), ("mandatory", 488)])
def test_a_caller_without_encryption(srtp: str, status: int) -> None:
    @scenario
    async def run() -> None:
        async with Bot(settings(srtp=srtp)) as bot, SipPeer() as phone:
            assert (await phone.dial(bot.uri)).status == status

    run()


@scenario
async def test_commands_take_effect_within_milliseconds_even_when_idle() -> None:
    async with Bot(answers=False) as bot, SipPeer() as phone:
        delays_s = []
        for number in range(5):
            await phone.invite(bot.uri)
            leg_id = (await bot.wait(LegOffered, count=number + 1)).leg_id
            await asyncio.sleep(0.1)
            began_s = time.monotonic()
            bot.telephony.reject(leg_id, 486)
            delays_s.append((await bot.wait(LegEnded, leg_id)).at_s - began_s)
        assert sorted(delays_s)[2] < 0.005, delays_s


@scenario
async def test_idle_costs_next_to_nothing() -> None:
    async with Bot():
        await asyncio.sleep(0.2)
        cpu_s, began_s = time.process_time(), time.monotonic()
        await asyncio.sleep(3.0)
        share = (time.process_time() - cpu_s) / (time.monotonic() - began_s)
        assert share < 0.015, f"{share:.2%} of a core"


@scenario
async def test_first_audio_follows_the_answer_quickly(tmp_path: Path) -> None:
    tone = write_tone(tmp_path / "t.wav", 500, 1.0)

    async with Bot() as bot, SipPeer() as phone:
        delays_s = []
        for number in range(10):
            call = await phone.invite(bot.uri)
            leg_id: LegId = (await bot.wait(LegAnswered, count=number + 1)).leg_id
            bot.telephony.play(leg_id, "greeting", [tone])
            await call.wait_sound(after_s=0.0)
            assert call.answered_at_s is not None
            sound_s = await call.wait_sound(after_s=0.0)
            delays_s.append(sound_s - call.answered_at_s)
            await call.hang_up()
            await bot.wait(LegEnded, leg_id)
        assert sorted(delays_s)[8] < 0.15, delays_s
