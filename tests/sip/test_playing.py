from __future__ import annotations

import asyncio
import time
from pathlib import Path

import numpy as np
import pytest

from ivr.ports import LegAnswered, LegId, PlayFailed, PlayFinished
from ivr.testing.sip_peer import PeerCall, SipPeer
from ivr.testing.sip_peer.g711 import decode
from ivr.testing.sip_peer.measure import first_sound_s, spans_of_tone
from tests.sip.bot import Bot, Ear, scenario, settings, write_tone

pytestmark = pytest.mark.adapter


async def answered(bot: Bot, phone: SipPeer) -> tuple[PeerCall, LegId]:
    """A call that is up on both sides."""
    call = await phone.dial(bot.uri)
    return call, (await bot.wait(LegAnswered)).leg_id


@pytest.mark.parametrize("rates_hz", [(8000, 8000, 8000), (16000, 16000, 16000), (8000, 16000, 8000)])
def test_files_are_heard_one_after_the_other_without_a_gap(rates_hz: tuple[int, ...], tmp_path: Path) -> None:
    files = [write_tone(tmp_path / f"{i}.wav", 600, 0.5, rate_hz) for i, rate_hz in enumerate(rates_hz)]

    @scenario
    async def run() -> None:
        async with Bot() as bot, SipPeer() as phone:
            call, leg_id = await answered(bot, phone)
            bot.telephony.play(leg_id, "p", files, lead_in_s=0.2)
            assert (await bot.wait(PlayFinished)).play_id == "p"
            await asyncio.sleep(0.2)
            spans = spans_of_tone(call.received_audio(), 600, bridge_s=0.02)
            assert len(spans) == 1, spans
            assert spans[0][1] - spans[0][0] == pytest.approx(1.5, abs=0.05)

    run()


@scenario
async def test_a_loop_goes_on_until_it_is_stopped(tmp_path: Path) -> None:
    tone = write_tone(tmp_path / "t.wav", 500, 0.25)
    async with Bot() as bot, SipPeer() as phone:
        call, leg_id = await answered(bot, phone)
        bot.telephony.play(leg_id, "hold", [tone], loop=True, lead_in_s=0.1)
        await call.wait_sound()
        await asyncio.sleep(1.2)
        stopped_at_s = time.monotonic()
        bot.telephony.stop_playing(leg_id)
        await call.wait_silence(after_s=stopped_at_s)
        spans = spans_of_tone(call.received_audio(), 500, bridge_s=0.02)
        assert len(spans) == 1, spans
        assert spans[0][1] - spans[0][0] > 1.1
        assert not bot.seen(PlayFinished)


@scenario
async def test_a_loop_has_neither_a_gap_nor_a_click_between_its_rounds(tmp_path: Path) -> None:
    tone = write_tone(tmp_path / "t.wav", 500, 0.246)  # no whole number of frames
    async with Bot() as bot, SipPeer(codecs=("PCMU",)) as phone:
        call, leg_id = await answered(bot, phone)
        bot.telephony.play(leg_id, "hold", [tone], loop=True)
        await call.wait_sound()
        await asyncio.sleep(1.5)
        bot.telephony.stop_playing(leg_id)
        await call.wait_silence()
        heard = np.concatenate([decode(entry.codec, entry.packet.payload) for entry in call.received]).astype(int)
    loud = np.flatnonzero(np.abs(heard) > 1000)
    sound = heard[loud[0] : loud[-1] + 1]
    assert len(sound) > 8000
    assert not (sound[16:] - sound[:-16]).any(), "every period of 16 samples is as the one before"


@scenario
async def test_stopping_is_heard_within_two_frames(tmp_path: Path) -> None:
    tone = write_tone(tmp_path / "t.wav", 500, 5.0)
    async with Bot() as bot, SipPeer() as phone:
        call, leg_id = await answered(bot, phone)
        delays_s = []
        for number in range(10):
            bot.telephony.play(leg_id, f"p{number}", [tone])
            await call.wait_sound()
            await asyncio.sleep(0.1 + number * 0.003)
            stopped_at_s = time.monotonic()
            bot.telephony.stop_playing(leg_id)
            delays_s.append(await call.wait_silence(after_s=stopped_at_s) - stopped_at_s)
        assert sorted(delays_s)[4] < 0.045, delays_s
        assert not bot.seen(PlayFinished)


@scenario
async def test_a_new_play_replaces_the_one_that_runs(tmp_path: Path) -> None:
    low, high = write_tone(tmp_path / "l.wav", 400, 3.0), write_tone(tmp_path / "h.wav", 1200, 0.5)
    async with Bot() as bot, SipPeer() as phone:
        call, leg_id = await answered(bot, phone)
        bot.telephony.play(leg_id, "low", [low])
        await call.wait_sound()
        await asyncio.sleep(0.3)
        bot.telephony.play(leg_id, "high", [high])
        assert (await bot.wait(PlayFinished)).play_id == "high"
        await asyncio.sleep(0.2)
        audio = call.received_audio()
        assert spans_of_tone(audio, 400)[0][1] <= spans_of_tone(audio, 1200)[0][0] + 0.03
        assert [event.play_id for event in bot.seen(PlayFinished)] == ["high"]


@scenario
async def test_very_short_files_are_played_and_finish(tmp_path: Path) -> None:
    click = write_tone(tmp_path / "c.wav", 1000, 0.03)
    async with Bot() as bot, SipPeer() as phone:
        call, leg_id = await answered(bot, phone)
        for number in range(3):
            bot.telephony.play(leg_id, f"c{number}", [click])
            await bot.wait(PlayFinished, count=number + 1)
        await asyncio.sleep(0.1)
        assert first_sound_s(call.received_audio(), sustain_s=0.01) is not None


@scenario
async def test_what_cannot_be_played_is_reported_and_harms_nothing(tmp_path: Path) -> None:
    broken, tone = tmp_path / "broken.wav", write_tone(tmp_path / "t.wav", 700, 0.3)
    broken.write_bytes(b"not audio")
    async with Bot() as bot, SipPeer() as phone:
        call, leg_id = await answered(bot, phone)
        bot.telephony.play(leg_id, "gone", [tmp_path / "gone.wav"])
        bot.telephony.play(leg_id, "broken", [tone, broken])
        bot.telephony.play(leg_id, "nothing", [])
        failures = [await bot.wait(PlayFailed, count=count) for count in (1, 2, 3)]
        assert [(f.play_id, f.reason.split(":")[0].split("/")[-1]) for f in failures] == [
            ("gone", "gone.wav"),
            ("broken", "broken.wav"),
            ("nothing", "no file given"),
        ]
        bot.telephony.play(leg_id, "fine", [tone])
        assert (await bot.wait(PlayFinished)).play_id == "fine"
        assert spans_of_tone(call.received_audio(), 700)


@scenario
async def test_the_prompt_goes_on_after_a_hold(tmp_path: Path) -> None:
    tone = write_tone(tmp_path / "t.wav", 500, 0.5)
    async with Bot() as bot, SipPeer() as phone:
        call, leg_id = await answered(bot, phone)
        bot.telephony.play(leg_id, "hold", [tone], loop=True)
        await call.wait_sound()
        assert (await call.reinvite("inactive")).status == 200
        await asyncio.sleep(0.1)
        held_at = len(call.received)
        await asyncio.sleep(0.3)
        assert len(call.received) == held_at, "audio was sent to a party on hold"
        assert (await call.reinvite("sendrecv")).status == 200
        await call.wait_sound()


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_the_callers_audio_reaches_the_sink(rate_hz: int) -> None:
    @scenario
    async def run() -> None:
        codecs = ("PCMU",) if rate_hz == 8000 else ("PCMA",)
        async with Bot(settings(sample_rate_hz=rate_hz)) as bot, SipPeer(codecs=codecs) as phone:
            call, leg_id = await answered(bot, phone)
            ear = Ear()
            bot.telephony.listen(leg_id, ear)
            await call.send_tone(800, 0.6).wait()
            await asyncio.sleep(0.2)
            bot.telephony.listen(leg_id, None)
            await asyncio.sleep(0.1)
            heard = len(ear.pcm)
            spans = spans_of_tone(ear.samples(), 800, rate_hz=rate_hz)
            assert len(spans) == 1, spans
            assert spans[0][1] - spans[0][0] == pytest.approx(0.6, abs=0.06)
            await asyncio.sleep(0.1)
            assert len(ear.pcm) == heard

    run()


@scenario
async def test_a_listener_is_told_what_is_sent_meanwhile(tmp_path: Path) -> None:
    class Told(Ear):
        def __init__(self) -> None:
            super().__init__()
            self.news: list[float] = []

        def plays(self, pcm: bytes, sample_rate_hz: int) -> None:
            self.news.append(len(pcm) / 2 / sample_rate_hz)

        def falls_silent(self) -> None:
            self.news.append(0.0)

    tone = write_tone(tmp_path / "t.wav", 500, 1.0)
    async with Bot() as bot, SipPeer() as phone:
        call, leg_id = await answered(bot, phone)
        early, late = Told(), Told()
        bot.telephony.listen(leg_id, early)
        bot.telephony.play(leg_id, "p", [tone])
        await call.wait_sound()
        await asyncio.sleep(0.4)
        bot.telephony.listen(leg_id, late)
        await bot.wait(PlayFinished)
        await asyncio.sleep(0.1)
        bot.telephony.listen(leg_id, None)
    assert early.news == [pytest.approx(1.0, abs=0.01)]
    assert late.news == [pytest.approx(0.55, abs=0.15), 0.0]


@scenario
async def test_a_failing_sink_harms_neither_call_nor_playing(tmp_path: Path) -> None:
    class Broken:
        def write(self, pcm: bytes) -> None:
            raise RuntimeError("no room")

    tone = write_tone(tmp_path / "t.wav", 700, 0.3)
    async with Bot() as bot, SipPeer() as phone:
        call, leg_id = await answered(bot, phone)
        bot.telephony.listen(leg_id, Broken())
        bot.telephony.play(leg_id, "p", [tone])
        await bot.wait(PlayFinished)
        await asyncio.sleep(0.1)
        assert spans_of_tone(call.received_audio(), 700)
        await call.hang_up()
    bot.assert_ended_once()
