"""Real calls through Asterisk: recognition servers that die, models that are useless, synthesizers that hang."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from ivr.testing.sip_peer import SipPeer
from ivr.testing.sip_peer.measure import spans_of_tone
from tests.lab import control
from tests.live.bots import (
    HEARD_HZ,
    MENU_HZ,
    NO_INPUT_HZ,
    NO_MATCH_HZ,
    NUMBER_HZ,
    LiveBot,
    answered,
    hears,
    live,
    running_bot,
)
from tests.live.listening_flow import sound
from tests.live.test_listening import GERMAN, MODEL, as_pcm, called, recording
from tests.speech import noises
from tests.vosk_server import VoskServer

pytestmark = pytest.mark.live


@live
async def test_a_server_that_dies_in_mid_word_costs_nothing(lab: ModuleType, tmp_path: Path) -> None:
    with VoskServer(MODEL) as server:
        folder = tmp_path / "bot"
        speech = {"cache_dir": str(folder / "cache"), "servers": {"en": [server.url]}}
        settings = {"default_flow": "live", "numbers": {"synonyms": {"flow": "synonyms"}}, "speech": speech}
        with running_bot(
            folder, control.TRUNK_PORT, flows=[synonym_flow()], settings=settings, keys_in_audio=True
        ) as bot:
            await _means_the_same(bot, server)
            async with called(number=1001) as call:
                call.send_wav(recording("spy-agent"))
                first_s = await hears(call, HEARD_HZ["agent"], 5)
                assert server.requests, "the server was not asked"
                await hears(call, MENU_HZ, 5, after_s=first_s)
                call.send_wav(recording("vm-message"))
                await asyncio.sleep(0.55)
                await asyncio.to_thread(server.kill)
                await hears(call, HEARD_HZ["message"], 5)
            assert "recognition_server_lost" in bot.log()
            record = await asyncio.to_thread(bot.record_of, "caller")
            lost = [step["outcome"] for step in record["steps"] if step["kind"] == "hearing"]
            assert lost == ["elsewhere"], "the record says that the server was lost, once"
            await _keys_twice(bot)


def synonym_flow() -> dict[str, Any]:
    """A menu whose word has synonyms."""
    choices = {
        "person": {"keys": "1", "say": ["operator"], "go": "heard"},
        "bye": {"keys": "2", "say": ["goodbye"], "go": "hang_up"},
    }
    steps = {
        "main": {"menu": {"prompt": sound(NUMBER_HZ), "choices": choices}},
        "heard": {"say": sound(HEARD_HZ["sales"]), "next": "hang_up"},
    }
    return {"flow": "synonyms", "language": "en-US", "start": "main", "defaults": {"failed": "hang_up"}, "steps": steps}


async def _means_the_same(bot: LiveBot, server: VoskServer) -> None:
    """A recognizer that hears whatever is said: another word for the same is read back, and taken after a yes."""
    server.heeds_lists = False
    async with SipPeer(user="other", codecs=("PCMU",)) as phone:
        call = await answered(phone.dial(bot.uri.replace("live@", "synonyms@")))
        await hears(call, NUMBER_HZ)
        await call.send_wav(recording("spy-agent")).wait(4)
        await asyncio.sleep(1.2)
        await call.press("1")
        await hears(call, HEARD_HZ["sales"], 4)
    record = await asyncio.to_thread(bot.record_of, "other")
    asked = [(step["outcome"], step["heard"], step["meaning"]) for step in record["steps"] if step["step"] == "main"]
    assert asked == [("to_confirm", "agent", ""), ("confirmed", "1", "person")]
    server.heeds_lists = True


async def _keys_twice(bot: LiveBot) -> None:
    """A digit that comes by INFO and as a tone counts once: an entry of four is not complete by three.

    Straight to the bot: the trunk sends one kind only.
    """
    at_once = np.concatenate([as_pcm(noises.tones(1200, -12.0, 697.0, 1209.0)), np.zeros(800, dtype=np.int16)])
    async with SipPeer(user="both") as phone:
        call = await answered(phone.dial(bot.uri))
        await hears(call, MENU_HZ)
        call.send_wav(as_pcm(noises.tones(1200, -12.0, 770.0, 1209.0)))  # a 4, as a tone alone
        await hears(call, NUMBER_HZ)
        for _ in range(3):
            call.send_wav(at_once)
            await call.press("1", method="info", duration_ms=150, gap_ms=200)
        await asyncio.sleep(0.6)
        assert not spans_of_tone(call.received_audio(), HEARD_HZ["number"]), "a digit counted twice"
        await call.press("2")
        await hears(call, HEARD_HZ["number"], 5)


HANGS = {"run": [sys.executable, "-c", "import time; time.sleep(60)"], "voices": {"en": "any"}}


def greeting_flow() -> dict[str, Any]:
    """A text with a value in it, which is made in the call, before a menu of tones."""
    choices = {"sales": {"keys": "1", "say": {"en": ["sales"]}, "go": "heard"}}
    steps = {
        "hello": {"say": "Hello {{ call.from }}.", "next": "main"},
        "main": {"menu": {"prompt": sound(MENU_HZ), "choices": choices}},
        "heard": {"say": sound(HEARD_HZ["sales"]), "next": "hang_up"},
    }
    heads = {"flow": "greets", "language": "en-US", "start": "hello", "on_error": "main"}
    said = {"no_input": sound(NO_INPUT_HZ), "no_match": sound(NO_MATCH_HZ), "failed": "hang_up"}
    return {**heads, "defaults": said, "steps": steps}


@pytest.mark.parametrize("kind", ["incomplete", "of another language"])
@live
async def test_with_a_useless_model_callers_have_keys(kind: str, lab: ModuleType, tmp_path: Path) -> None:
    model = tmp_path / "model"
    if kind == "incomplete":
        shutil.copytree(MODEL, model)
        (model / "graph" / "Gr.fst").unlink()
    elif GERMAN.is_dir():
        model = GERMAN
    else:
        pytest.skip("there is no German model under ../shared/models")
    folder = tmp_path / "bot"
    mute = {"synthesizer": "hangs", "commands": {"hangs": HANGS}, "synthesis_limit": "1s"}
    speech = {"cache_dir": str(folder / "cache"), "models": {"en": str(model)}, **mute}
    settings = {"speech": speech, "default_flow": "greets"}
    with running_bot(folder, control.TRUNK_PORT, flows=[greeting_flow()], settings=settings) as bot:
        async with called(number=1001) as call:  # in the menu: the greeting could not be made
            call.send_wav(recording("spy-agent"))
            await asyncio.sleep(1.5)
            await call.press("1")
            await hears(call, HEARD_HZ["sales"], 15)
            await call.wait_ended(20)
        record = await asyncio.to_thread(bot.record_of, "caller")
        told = {(step["kind"], step["outcome"]): step["detail"] for step in record["steps"]}
        assert "hung for 1 s" in told["say", "error"]
        assert told["hearing", "keys_only"], "why there were keys only"
        assert "prompt_not_rendered" in bot.log() and "hangs hung for 1 s and was ended" in bot.log()
