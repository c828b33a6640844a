"""A caller whose telephone sends the prompt back, through Asterisk."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from ivr.testing.sip_peer.g711 import Pcm
from ivr.testing.sip_peer.measure import level_dbfs
from tests.lab import control
from tests.live.bots import HEARD_HZ, SPEECH, LiveBot, answered, caller, hears, live, running_bot

pytestmark = pytest.mark.live

TEXT = (
    "Welcome to the telephone assistant of the city library. You can renew what you have borrowed, ask for the opening "
    "hours, or leave a message for us. If you would like to speak to a person, please say agent at any time. All "
    "calls may be recorded so that we can improve this service. Please say now what we can do for you."
)


def flow() -> dict[str, Any]:
    choices = {"agent": {"keys": "1", "say": ["agent"], "go": "heard"}, "message": {"say": ["message"], "go": "heard"}}
    return {
        "flow": "echo",
        "language": "en-US",
        "start": "main",
        "defaults": {"failed": "bye", "max_attempts": 1},
        "steps": {
            "main": {"menu": {"prompt": TEXT, "choices": choices}},
            "heard": {"say": f"sounds/t{HEARD_HZ['agent']}.wav", "next": "bye"},
            "bye": {"hang_up": True},
        },
    }


@pytest.fixture(scope="module")
def talking_bot(lab: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    """A bot that says a long text first."""
    settings = {"default_flow": "echo"}
    folder: Path = tmp_path_factory.mktemp("echo")
    with running_bot(folder, control.RTP_TRUNK_PORT, flows=[flow()], settings=settings) as running:
        yield running


@pytest.mark.parametrize("delay_s", [0.06, 0.2])
def test_the_echo_of_the_prompt_does_not_stop_it(talking_bot: LiveBot, delay_s: float) -> None:
    @live
    async def run() -> None:
        async with caller(codecs=("PCMU",)) as phone:
            call = await answered(phone.dial(control.number(1041)))
            call.echo(delay_s)
            await call.wait_ended(40)
            heard, sent = call.received_audio(), call.sent_audio()
        assert longest_speech_s(heard) >= 15, "the prompt was stopped"
        assert np.abs(sent.astype(np.int32)).max() > 300, "nothing was sent back"

    run()
    line = talking_bot.record_of("caller")["steps"][0]
    assert (line["outcome"], line["heard"]) == ("no_input", "")


def longest_speech_s(heard: Pcm, pause_s: float = 0.7) -> float:
    """The longest stretch without a pause of that length: a prompt that noise stops is silent for longer."""
    frames = heard[: len(heard) // 160 * 160].reshape(-1, 160)
    loud = [place for place, frame in enumerate(frames) if level_dbfs(frame) > -45]
    longest, begin = 0, loud[0]
    for before, place in pairwise(loud):
        begin = begin if (place - before) * 0.02 < pause_s else place
        longest = max(longest, place - begin)
    return longest * 0.02


@live
async def test_words_over_the_echo_stop_the_prompt_and_are_answered(talking_bot: LiveBot) -> None:
    async with caller(codecs=("PCMU",)) as phone:
        call = await answered(phone.dial(control.number(1041)))
        call.echo(0.2)
        await call.wait_sound(5)
        await asyncio.sleep(4.0)
        await call.send_wav(SPEECH / "spy-agent.wav").wait()
        await hears(call, HEARD_HZ["agent"], within_s=3)
