"""Real calls through Asterisk: keys, speech, barge-in, silence."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import numpy as np
import pytest

from ivr.testing.sip_peer.measure import first_sound_s, silence_begins_s, spans_of_tone
from ivr.testing.sip_peer.recording import read_wav
from tests.lab import control
from tests.live.bots import (
    HEARD_HZ,
    IVR,
    MENU_HZ,
    NO_INPUT_HZ,
    NO_MATCH_HZ,
    NUMBER_HZ,
    SPEECH,
    LiveBot,
    answered,
    caller,
    hears,
    live,
    now_s,
)

pytestmark = pytest.mark.live


@live
async def test_the_first_prompt_follows_the_answer_after_its_lead_in(bot: LiveBot) -> None:
    async with caller() as phone:
        call = await answered(phone.dial(control.number(1041)))
        await hears(call, MENU_HZ)
        sound_s = first_sound_s(call.received_audio())
    assert sound_s is not None
    assert 0.15 <= sound_s <= 0.6, f"first sound after {sound_s} s"


@live
async def test_a_key_stops_the_prompt_and_is_answered(bot: LiveBot) -> None:
    async with caller() as phone:
        call = await answered(phone.dial(control.number(1041)))
        await hears(call, MENU_HZ)
        pressed_s = now_s(call)
        await call.press("1")
        await hears(call, HEARD_HZ["sales"])
        menu = spans_of_tone(call.received_audio(), MENU_HZ)
    assert menu[0][1] - pressed_s < 0.35, f"the prompt went on until {menu[0][1]}, key at {pressed_s}"


@live
async def test_keys_as_sip_info_are_answered(info_bot: LiveBot) -> None:
    async with caller() as phone:
        call = await answered(phone.dial(control.number(1001)))
        await hears(call, MENU_HZ)
        await call.press("4")
        await hears(call, NUMBER_HZ)
        await call.press("1")
        await call.press("2")
        await call.press("2")
        await call.press("5")
        await hears(call, HEARD_HZ["number"])


@live
async def test_no_key_of_a_fast_entry_is_lost_or_doubled(bot: LiveBot) -> None:
    async with caller() as phone:
        call = await answered(phone.dial(control.number(1041)))
        await hears(call, MENU_HZ)
        await call.press("4")
        await hears(call, NUMBER_HZ)
        await call.press("1122", duration_ms=60, gap_ms=50)
        await hears(call, HEARD_HZ["number"])


@pytest.mark.parametrize(("recording", "meaning"), [("spy-agent", "agent"), ("vm-message", "message")])
@live
async def test_a_human_voice_is_understood(bot: LiveBot, recording: str, meaning: str) -> None:
    async with caller() as phone:
        call = await answered(phone.dial(control.number(1041)))
        await hears(call, MENU_HZ)
        await asyncio.sleep(MENU_END_S - now_s(call))
        call.send_wav(SPEECH / f"{recording}.wav")
        await hears(call, HEARD_HZ[meaning])


MENU_END_S = 4.6


def speak(text: str, voice: str, wav: Path) -> None:
    """Synthesize, in another voice than the bot's."""
    subprocess.run([IVR, "say", text, "--voice", voice, "-o", str(wav)], check=True, timeout=30)


@live
async def test_speech_over_the_prompt_stops_it(bot: LiveBot) -> None:
    async with caller() as phone:
        call = await answered(phone.dial(control.number(1041)))
        await hears(call, MENU_HZ)
        await asyncio.sleep(0.5)
        spoken = read_wav(SPEECH / "spy-agent.wav")
        voice_s = first_sound_s(spoken)
        assert voice_s is not None
        started_s = now_s(call) + voice_s
        call.send_wav(spoken)
        await hears(call, HEARD_HZ["agent"])
        menu = spans_of_tone(call.received_audio(), MENU_HZ)
    assert menu[0][1] - started_s < 0.5, f"the prompt went on for {menu[0][1] - started_s} s under the voice"


@live
async def test_synthetic_speech_is_understood_and_digits_are_collected(bot: LiveBot, tmp_path: Path) -> None:
    for digits in ("four seven", "one two"):
        await asyncio.to_thread(speak, digits, "en-gb", tmp_path / f"{digits}.wav")
    pause = np.zeros(8000, dtype=np.int16)  # longer than what ends an utterance elsewhere
    async with caller() as phone:
        call = await answered(phone.dial(control.number(1041)))
        await hears(call, MENU_HZ)
        await call.press("4")
        await hears(call, NUMBER_HZ)
        await asyncio.sleep(2.2)
        call.send_wav(
            np.concatenate([read_wav(tmp_path / "four seven.wav"), pause, read_wav(tmp_path / "one two.wav"), pause])
        )
        await hears(call, HEARD_HZ["number"])


@live
async def test_foreign_words_are_no_match(bot: LiveBot) -> None:
    async with caller() as phone:
        call = await answered(phone.dial(control.number(1041)))
        await hears(call, MENU_HZ)
        call.send_wav(SPEECH / "tt-weasels.wav")
        await hears(call, NO_MATCH_HZ, 10)


@live
async def test_silence_is_asked_again_and_ends_in_the_failed_exit(bot: LiveBot) -> None:
    async with caller() as phone:
        call = await answered(phone.dial(control.number(1041), timeout_s=10))
        await hears(call, NO_INPUT_HZ, 10)
        await call.wait_ended(30)
        spans = spans_of_tone(call.received_audio(), NO_INPUT_HZ)
        assert len(spans) == 2, f"three attempts, two texts between them: {spans}"
        assert call.ended_by == "remote"


@live
async def test_the_record_tells_the_conversation_and_masks_the_number(bot: LiveBot) -> None:
    async with caller("caller2") as phone:
        call = await answered(phone.dial(control.number(1041)))
        await hears(call, MENU_HZ)
        await call.press("4")
        await hears(call, NUMBER_HZ)
        await call.press("4711")
        await hears(call, HEARD_HZ["number"])
        await call.press("9")
        await call.wait_ended(5)
    record = await asyncio.to_thread(bot.record_of, "caller2")
    assert (record["end_reason"], record["ended_by"], record["flow"]) == ("bot_hung_up", "bot", "live")
    asked = [step for step in record["steps"] if step["step"] == "number"]
    assert [(step["outcome"], step["mode"], step["heard"]) for step in asked] == [("match", "dtmf", "***")]
    assert "4711" not in str(record) + bot.log()


@live
async def test_silence_after_the_prompt_really_is_silence(bot: LiveBot) -> None:
    async with caller() as phone:
        call = await answered(phone.dial(control.number(1041)))
        start_s = await hears(call, MENU_HZ)
        await asyncio.sleep(5.2)
        audio = call.received_audio()
        end_s = silence_begins_s(audio, start_s + 3.0)
    assert end_s is not None
    assert end_s - start_s == pytest.approx(4.0, abs=0.1)
