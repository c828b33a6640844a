"""A real call through Asterisk in German: digits, numbers, days, and yes and no as people say them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from ivr.flow.segments import Speech
from ivr.speech.pcm import read_wav as read_audio
from ivr.speech.pcm import telephone_ready
from ivr.speech.pyttsx3_synthesizer import Pyttsx3Synthesizer
from ivr.testing.sip_peer import PeerCall
from ivr.testing.sip_peer.g711 import Pcm
from ivr.testing.sip_peer.measure import tone
from ivr.testing.sip_peer.recording import read_wav, write_wav
from tests.lab import control
from tests.live.bots import LiveBot, answered, caller, hears, live, serving, write_project
from tests.live.listening_flow import sound
from tests.live.test_listening import GERMAN, GERMAN_SPEECH, RATE_HZ

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not GERMAN.is_dir(), reason="there is no German model under ../shared/models"),
]

FRIDAY = 4
QUESTIONS: dict[str, tuple[str, str]] = {
    "count": ("number", "zweihundertfünf"),
    "birthday": ("date", "der dritte Mai"),
    "visit": ("date", "nächsten Freitag"),
    "first": ("yes_no", "jo"),
    "second": ("yes_no", "nö"),
}
"""Variable to the kind of its question, and what the caller says."""
HZ = {name: 500 + 70 * place for place, name in enumerate(["code", *QUESTIONS, "end"])}
"""Each question begins with its own tone."""


def flow() -> dict[str, Any]:
    """Every question once, one after the other."""
    kinds = {"code": "digits"} | {name: kind for name, (kind, _) in QUESTIONS.items()}
    following = [*list(kinds)[1:], "end"]
    steps: dict[str, Any] = {
        name: {"ask": kind, "prompt": sound(HZ[name]), "into": name, "next": after}
        for (name, kind), after in zip(kinds.items(), following, strict=True)
    }
    steps["code"] |= {"length": 3}
    steps["end"] = {"say": sound(HZ["end"]), "next": "hang_up"}
    heads = {"flow": "german", "language": "de-DE", "start": "code", "variables": dict.fromkeys(kinds, "")}
    return {**heads, "defaults": {"failed": "hang_up", "max_attempts": 1}, "steps": steps}


@pytest.fixture(scope="module")
def german(lab: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    folder: Path = tmp_path_factory.mktemp("german")
    speech = {"cache_dir": str(folder / "cache"), "models": {"de": str(GERMAN)}}
    settings = {"default_flow": "german", "speech": speech}
    write_project(folder / "bot", control.RTP_TRUNK_PORT, flows=[flow()], settings=settings)
    for hz in HZ.values():
        write_wav(folder / "bot" / sound(hz), tone(hz, 0.3))
    with serving(folder / "bot", control.RTP_TRUNK_PORT) as bot:
        yield bot


def spoken(texts: list[str], wav: Path) -> dict[str, Pcm]:
    """Each of them by a voice that is not the bot's."""
    voice, said = Pyttsx3Synthesizer(voices={"de": "de+f2"}), dict[str, Pcm]()
    try:
        for text in texts:
            voice.synthesize(Speech(text, "de"), wav)
            said[text] = np.frombuffer(telephone_ready(read_audio(wav), RATE_HZ, -20.0).pcm16(), dtype="<i2")
    finally:
        voice.close()
    return said


async def answers(call: PeerCall, name: str, said: Pcm) -> None:
    await hears(call, HZ[name], 20)
    await asyncio.sleep(0.4)  # the tone is over
    call.send_wav(np.concatenate([said, np.zeros(RATE_HZ // 2, dtype=np.int16)]))


@live
async def test_a_german_caller_is_understood(german: LiveBot, tmp_path: Path) -> None:
    said = await asyncio.to_thread(spoken, [text for _, text in QUESTIONS.values()], tmp_path / "said.wav")
    digits = np.concatenate([read_wav(GERMAN_SPEECH / f"ziffer_{digit}.wav") for digit in (4, 2, 7)])
    async with caller(codecs=("PCMU",)) as phone:
        call = await answered(phone.dial(control.number(1041)))
        await answers(call, "code", digits)
        for name, (_, text) in QUESTIONS.items():
            await answers(call, name, said[text])
        await hears(call, HZ["end"], 20)
    known = (await asyncio.to_thread(german.record_of, "caller"))["variables"]
    assert {name: known[name] for name in ("code", "count", "first", "second")} == {
        "code": "427", "count": 205, "first": True, "second": False
    }  # fmt: skip
    assert date.fromisoformat(known["birthday"]).timetuple()[1:3] == (5, 3)
    ahead = date.fromisoformat(known["visit"]) - datetime.now(tz=UTC).date()
    assert date.fromisoformat(known["visit"]).weekday() == FRIDAY and timedelta(0) <= ahead <= timedelta(8)
