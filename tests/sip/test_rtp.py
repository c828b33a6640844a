"""Audio as callers really send it: other packet sizes, other sources, comfort noise, none at all."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from ivr.ports import KeyPressed, LegAnswered, LegEnded
from ivr.testing.sip_peer import PeerCall, SipPeer
from ivr.testing.sip_peer.g711 import encode
from ivr.testing.sip_peer.measure import tone, tone_level_dbfs
from ivr.testing.sip_peer.rtp import RtpPacket, pack_rtp
from ivr.testing.sip_peer.sdp import build_offer
from tests.sip.bot import Bot, Ear, scenario
from tests.waiting import until

pytestmark = pytest.mark.adapter

TONE_HZ = 440
LEVEL_DBFS = -12.0
HEARD_SAMPLES = 4000
PCMU, PCMA, COMFORT_NOISE = 0, 8, 13


@dataclass(frozen=True)
class Audio:
    """A second of a tone, and how it is sent."""

    ptime_ms: int = 20
    codec: str = "PCMA"
    payload_type: int = PCMA
    ssrc: int | None = None
    noise_every: int = 0
    """Each so many packets is comfort noise instead (RFC 3389)."""

    def packets(self, call: PeerCall) -> Iterator[bytes]:
        """In the order in which they are sent."""
        size = 8 * self.ptime_ms
        pcm, count = tone(TONE_HZ, 1.0, LEVEL_DBFS), 1000 // self.ptime_ms
        first = call.stream.take_sequence(count)
        for number in range(count):
            payload = encode(self.codec, pcm[number * size : (number + 1) * size])
            packet = RtpPacket(
                self.payload_type, first + number, 160_000 + number * size, self.ssrc or call.stream.ssrc, payload
            )
            if self.noise_every and number % self.noise_every == 0:
                packet = replace(packet, payload_type=COMFORT_NOISE, payload=b"\x40")
            yield pack_rtp(packet)


async def send(call: PeerCall, audio: Audio, sock: socket.socket | None = None) -> None:
    """Send it at its pace, from the call's own socket or from another."""
    loop = asyncio.get_running_loop()
    due_s = loop.time()
    assert call.remote_sdp is not None
    for packet in audio.packets(call):
        if sock is None:
            call.stream.send_raw(packet)
        else:
            sock.sendto(packet, (call.remote_sdp.address, call.remote_sdp.port))
        due_s += audio.ptime_ms / 1000
        await asyncio.sleep(max(0.0, due_s - loop.time()))


async def talking(bot: Bot, phone: SipPeer) -> tuple[PeerCall, Ear]:
    """A call that has sent some audio, and what the bot hears from then on."""
    call = await phone.dial(bot.uri)
    leg_id = (await bot.wait(LegAnswered)).leg_id
    await until(lambda: len(call.stream.sent) >= 3, "audio of the caller")
    call.stream.is_sending = False
    ear = Ear()
    bot.telephony.listen(leg_id, ear)
    return call, ear


def level_dbfs(ear: Ear) -> float:
    """The tone's level in the best fifth of the last second, so that a late packet on a busy machine is no failure."""
    samples = ear.samples()[-8000:]
    return max(float(tone_level_dbfs(samples[at : at + 1600], TONE_HZ)) for at in range(0, len(samples) - 1600, 400))


async def heard_at_its_level(call: PeerCall, ear: Ear, sock: socket.socket) -> None:
    """Send the tone again and again until the bot hears it so."""

    async def go_on_sending() -> None:
        while True:
            await send(call, Audio(), sock)

    sending = asyncio.create_task(go_on_sending())
    try:
        await until(
            lambda: level_dbfs(ear) == pytest.approx(LEVEL_DBFS, abs=1.0),
            "the tone at its level",
            shown=lambda: f"{level_dbfs(ear):.1f} dBFS",
            every_s=0.1,
        )
    finally:
        sending.cancel()


async def goes_on(bot: Bot, phone: SipPeer, call: PeerCall) -> None:
    """The usual audio and a key are taken afterwards."""
    call.stream.is_sending = True
    phone.rtp.wake()
    await call.press("5")
    await bot.wait(KeyPressed)
    assert [event.digit for event in bot.seen(KeyPressed)] == ["5"]
    assert not bot.seen(LegEnded)


@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 40, 60])
def test_packets_of_any_usual_size_are_heard_at_their_level(ptime_ms: int) -> None:
    @scenario
    async def run() -> None:
        async with Bot() as bot, SipPeer() as phone:
            call, ear = await talking(bot, phone)
            await send(call, Audio(ptime_ms))
            assert level_dbfs(ear) == pytest.approx(LEVEL_DBFS, abs=1.0)
            await goes_on(bot, phone, call)

    run()


@scenario
async def test_a_source_that_changes_in_the_middle_is_heard_on() -> None:
    async with Bot() as bot, SipPeer() as phone:
        call, ear = await talking(bot, phone)
        await send(call, Audio())
        call.stream.take_sequence(30_000)
        await send(call, Audio(ssrc=call.stream.ssrc ^ 0xFFFF))
        assert level_dbfs(ear) == pytest.approx(LEVEL_DBFS, abs=1.0)
        call.stream.ssrc ^= 0xFFFF
        await goes_on(bot, phone, call)


@scenario
async def test_audio_that_comes_from_another_address_than_before_is_heard_and_answered_there() -> None:
    """After a fifth of a second: a few packets of a stranger's do not take a call over."""
    async with Bot() as bot, SipPeer() as phone:
        call, ear = await talking(bot, phone)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
            elsewhere.bind(("127.0.0.1", 0))
            await send(call, Audio(), elsewhere)
            elsewhere.settimeout(1.0)
            assert len(elsewhere.recv(2048)) == 172
        assert level_dbfs(ear) == pytest.approx(LEVEL_DBFS, abs=1.0)
        await send(call, Audio())
        await goes_on(bot, phone, call)


@scenario
async def test_audio_and_keys_from_another_address_than_the_described_one_are_heard_at_once() -> None:
    async with Bot() as bot, SipPeer() as phone:
        call, ear = await talking(bot, phone)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            body = build_offer("127.0.0.1", silent.getsockname()[1], ("PCMA",), version=9)
            assert (await call.send_request("INVITE", body=body, content_type="application/sdp")).status == 200
            await send(call, Audio())
            assert level_dbfs(ear) == pytest.approx(LEVEL_DBFS, abs=1.0)
            await goes_on(bot, phone, call)


@scenario
async def test_a_caller_behind_a_nat_is_heard_though_his_offer_names_an_address_of_his_own_network() -> None:
    async with Bot() as bot, SipPeer() as phone:
        call, ear = await talking(bot, phone)
        body = build_offer("10.255.255.1", 4000, ("PCMA",), version=9)
        assert (await call.send_request("INVITE", body=body, content_type="application/sdp")).status == 200
        await send(call, Audio())
        assert level_dbfs(ear) == pytest.approx(LEVEL_DBFS, abs=1.0)
        await goes_on(bot, phone, call)


@scenario
async def test_audio_from_a_host_that_nobody_told_of_is_heard_where_none_comes_from_the_caller() -> None:
    """After a second: some gateways do so. While the caller sends, a stranger is not heard, however much he sends."""
    async with Bot() as bot, SipPeer() as phone:
        call, ear = await talking(bot, phone)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gateway:
            gateway.bind(("127.0.0.66", 0))
            call.stream.is_sending = True
            phone.rtp.wake()
            await until(lambda: len(call.stream.sent) >= 60, "a look at where the audio comes from")
            await asyncio.gather(*(send(call, Audio(), gateway) for _ in range(20)))  # 20 packets for one of his
            assert level_dbfs(ear) < -60
            call.stream.is_sending = False
            await heard_at_its_level(call, ear, gateway)


@scenario
async def test_comfort_noise_among_audio_does_no_harm() -> None:
    async with Bot() as bot, SipPeer() as phone:
        call, ear = await talking(bot, phone)
        await send(call, Audio(noise_every=10))
        assert level_dbfs(ear) == pytest.approx(LEVEL_DBFS, abs=2.0)
        await goes_on(bot, phone, call)


@pytest.mark.parametrize(("codec", "payload_type"), [("PCMU", PCMU), ("PCMA", 97), ("PCMA", 127)])
def test_a_codec_that_was_not_agreed_is_silence_and_no_noise(codec: str, payload_type: int) -> None:
    """The answer names one codec; the caller must send that one (RFC 3264 §6.1)."""

    @scenario
    async def run() -> None:
        async with Bot() as bot, SipPeer() as phone:
            call, ear = await talking(bot, phone)
            await send(call, Audio(codec=codec, payload_type=payload_type))
            assert max(abs(ear.samples()[-HEARD_SAMPLES:].astype(int))) < 50
            await goes_on(bot, phone, call)

    run()


@scenario
async def test_a_caller_who_sends_no_audio_hears_the_bot_and_can_press_keys_by_info() -> None:
    async with Bot() as bot, SipPeer() as phone:
        call = await phone.dial(bot.uri)
        call.stream.is_sending = False
        await bot.wait(LegAnswered)
        await until(lambda: len(call.stream.received) >= 25, "half a second of the bot's audio")
        await call.press("4", method="info")
        assert (await bot.wait(KeyPressed)).digit == "4"
        assert not bot.seen(LegEnded)
