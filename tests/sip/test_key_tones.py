"""Keys as tones in the audio: every key, damaged tones, and what is no key: speech, music, other tones."""

from __future__ import annotations

import asyncio
import random

import numpy as np
import pytest

from ivr.ports import DtmfMethod, KeyPressed
from ivr.sip.key_tones import KeyTones
from ivr.testing.sip_peer import SipPeer
from tests.sip.bot import Bot, scenario, settings
from tests.sip.test_playing import answered
from tests.speech import noises
from tests.speech.lines import RATE_HZ, Line, as_int16, g711_line, prompt

pytestmark = pytest.mark.adapter

LOW_HZ = (697, 770, 852, 941)
HIGH_HZ = (1209, 1336, 1477, 1633)
KEYS = "123A456B789C*0#D"


def key_tone(key: str, on_s: float = 0.08, twist_db: float = 0.0, dbfs: float = -16.0, off_by: float = 1.0) -> Line:
    at = np.arange(round(on_s * RATE_HZ)) / RATE_HZ
    place = KEYS.index(key)
    low, high = LOW_HZ[place // 4] * off_by, HIGH_HZ[place % 4] * off_by
    tones = np.sin(2 * np.pi * low * at) + 10 ** (twist_db / 20) * np.sin(2 * np.pi * high * at + 0.7)
    return noises.at_level(tones, dbfs)


def pressed(keys: str, off_s: float = 0.08, **shape: float) -> Line:
    quiet = np.zeros(round(off_s * RATE_HZ))
    return np.concatenate([np.zeros(777), *(part for key in keys for part in (key_tone(key, **shape), quiet))])


def heard(line: Line, rate_hz: int = RATE_HZ) -> str:
    found: list[str] = []
    ear, pcm = KeyTones(rate_hz, found.append), as_int16(g711_line(line)).tobytes()
    for at in range(0, len(pcm), 2 * 320):
        ear.write(pcm[at : at + 2 * 320])
    return "".join(found)


def test_every_key_is_heard_once() -> None:
    assert heard(pressed(KEYS)) == KEYS
    assert heard(pressed("1123334")) == "1123334"
    assert heard(pressed("7", on_s=3.0)) == "7"


@pytest.mark.parametrize(
    "shape",
    [{"on_s": 0.06, "off_s": 0.06}, {"twist_db": 4.0}, {"twist_db": -6.0}, {"dbfs": -28.0}, {"dbfs": -6.0},
     {"off_by": 1.012}, {"off_by": 0.988}],
)  # fmt: skip
def test_tones_that_are_short_twisted_faint_loud_or_off_are_keys(shape: dict[str, float]) -> None:
    assert heard(pressed(KEYS, **shape)) == KEYS


def test_keys_in_noise_are_heard() -> None:
    line = pressed(KEYS * 3)
    assert heard(line + noises.white(len(line), -36.0, 1)) == KEYS * 3


def test_a_key_shorter_than_a_frame_is_none() -> None:
    assert heard(pressed(KEYS, on_s=0.015)) == ""


def test_speech_is_no_key() -> None:
    assert heard(prompt(random.Random(3), 300.0)) == ""


@pytest.mark.parametrize(
    "sound", [noises.music, noises.dial_tone, noises.ringing, noises.fax_calling, noises.fax_answer, noises.babble]
)
def test_other_sounds_are_no_keys(sound: noises.Noise) -> None:
    assert heard(sound(60 * RATE_HZ, -16.0, 5)) == ""


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_keys_in_the_audio_of_a_call_are_reported_where_the_settings_ask_for_it(rate_hz: int) -> None:
    @scenario
    async def run() -> None:
        given = settings(sample_rate_hz=rate_hz, keys_in_audio=True)
        async with Bot(given) as bot, SipPeer(codecs=("PCMA",)) as phone:
            call, leg_id = await answered(bot, phone)
            await call.send_wav(as_int16(pressed("4711#"))).wait()
            await asyncio.sleep(0.3)
            keys = [event for event in bot.events if isinstance(event, KeyPressed)]
        assert "".join(event.digit for event in keys) == "4711#"
        assert {(event.leg_id, event.method) for event in keys} == {(leg_id, DtmfMethod.IN_AUDIO)}

    run()


@scenario
async def test_without_the_setting_tones_are_only_sound() -> None:
    async with Bot() as bot, SipPeer(codecs=("PCMA",)) as phone:
        call, _ = await answered(bot, phone)
        await call.send_wav(as_int16(pressed("4711"))).wait()
        await asyncio.sleep(0.3)
        assert not [event for event in bot.events if isinstance(event, KeyPressed)]
