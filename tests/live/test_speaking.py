"""Real calls through Asterisk: what callers hear who wait, and long texts that are heard while they are made."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ivr.flow.segments import Speech
from ivr.ports import HOLD_MUSIC
from ivr.speech.pcm import frame_levels_dbfs, from_pcm16, read_wav
from ivr.speech.pyttsx3_synthesizer import Pyttsx3Synthesizer
from ivr.testing.sip_peer import PeerCall
from tests.lab import control
from tests.live.bots import MENU_HZ, LiveBot, answered, caller, hears, live, serving, write_project
from tests.speech.conftest import PROJECT_DIR

pytestmark = pytest.mark.live

ANSWER_AFTER_S = 4.5
TEXT = (
    "Your order for {{ call.from }} has left our house today. It weighs 3.5 kilograms and comes in two boxes. "
    "The driver will ring at your door tomorrow before noon. Please keep your order number at hand for him. "
    "If nobody is at home, he leaves a card in your letter box. You can choose another day on the card. "
    "Returns are free of charge within thirty days. Thank you very much for your order, and goodbye."
)
SENTENCES = 8


class SlowService(BaseHTTPRequestHandler):
    """Answers late."""

    def do_GET(self) -> None:
        time.sleep(ANSWER_AFTER_S)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Quiet."""


def _flow(port: int) -> dict[str, Any]:
    choices = {
        "work": {"keys": "1", "go": "work"},
        "person": {"keys": "2", "go": "person"},
        "long": {"keys": "3", "go": "long"},
    }
    steps: dict[str, Any] = {
        "main": {"menu": {"prompt": f"sounds/t{MENU_HZ}.wav", "choices": choices}, "failed": "hang_up"},
        "work": {"request": {"get": f"http://127.0.0.1:{port}/", "timeout": "8s"}, "error": "main", "next": "main"},
        "person": {"transfer": {"to": "rings", "mode": "bridge", "ring_for": "4s"}, "failed": "main"},
        "long": {"say": TEXT, "next": "hang_up"},
    }
    return {"flow": "speaking", "language": "en-US", "start": "main", "steps": steps}


@pytest.fixture(scope="module")
def speaking_bot(lab: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    """A bot behind the trunk, with the music that is shipped."""
    service = ThreadingHTTPServer(("127.0.0.1", 0), SlowService)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    port, folder = service.server_address[1], tmp_path_factory.mktemp("speaking")
    hosts = {f"127.0.0.1:{port}": {"allow_private": True, "allow_http": True}}
    settings = {"default_flow": "speaking", "requests": {"hosts": hosts}}
    write_project(folder, control.RTP_TRUNK_PORT, flows=[_flow(port)], settings=settings)
    shutil.copy(PROJECT_DIR / HOLD_MUSIC.path, folder / HOLD_MUSIC.path)
    with serving(folder, control.RTP_TRUNK_PORT) as bot:
        yield bot
    service.shutdown()
    service.server_close()


Heard = npt.NDArray[np.float32]


def likeness(heard: Heard, music: Heard) -> float:
    """How alike a stretch of audio is to the most similar one of the music: 1 is the same."""
    size = len(heard) + len(music)
    product = np.fft.irfft(np.fft.rfft(music, size) * np.conj(np.fft.rfft(heard, size)), size)[: len(music)]
    energy = np.cumsum(np.concatenate(([0.0], music.astype(np.float64) ** 2)))
    stretch = np.concatenate((energy[len(heard) :] - energy[: -len(heard)], np.full(len(heard) - 1, np.inf)))
    norm = np.sqrt(stretch * float(np.sum(heard.astype(np.float64) ** 2)))
    return float(np.max(product / np.maximum(norm, 1e-9)))


def heard_between(call: PeerCall, start_s: float, end_s: float) -> Heard:
    audio = call.received_audio()
    return (audio[int(start_s * 8000) : int(end_s * 8000)] / 32768.0).astype(np.float32)


async def music_after(call: PeerCall, key: str) -> tuple[float, float]:
    """Seconds from the key to the music, and how like the music it was a second later."""
    await hears(call, MENU_HZ)
    await call.press(key)
    pressed_s = len(call.received_audio()) / 8000
    await asyncio.sleep(4.2)
    levels = frame_levels_dbfs(from_pcm16(call.received_audio()[int((pressed_s + 0.3) * 8000) :].tobytes(), 8000))
    begun_s = pressed_s + 0.3 + float(np.flatnonzero(levels > -50)[0]) * 0.02
    music = read_wav(PROJECT_DIR / HOLD_MUSIC.path).samples
    return begun_s - pressed_s, likeness(heard_between(call, begun_s + 0.2, begun_s + 1.4), music)


@live
async def test_a_caller_hears_music_while_a_service_takes_long(speaking_bot: LiveBot) -> None:
    async with caller() as phone:
        call = await answered(phone.dial(control.number(1041)))
        after_s, alike = await music_after(call, "1")
    assert after_s == pytest.approx(2.0, abs=0.4), "a quick answer is silent"
    assert alike > 0.9


@live
async def test_a_caller_hears_music_while_a_person_is_rung(speaking_bot: LiveBot) -> None:
    async with caller() as phone:
        call = await answered(phone.dial(control.number(1041)))
        after_s, alike = await music_after(call, "2")
    assert after_s < 1.0
    assert alike > 0.9


@live
async def test_a_long_text_is_heard_soon_and_without_gaps(speaking_bot: LiveBot, tmp_path: Path) -> None:
    async with caller() as phone:
        call = await answered(phone.dial(control.number(1041)))
        await hears(call, MENU_HZ)
        await call.press("3")
        pressed_s = len(call.received_audio()) / 8000
        await call.wait_ended(60)
        audio = call.received_audio()
    levels = frame_levels_dbfs(from_pcm16(audio[int((pressed_s + 0.1) * 8000) :].tobytes(), 8000))
    loud = np.flatnonzero(levels > -50) * 0.02 + 0.1
    pauses_s = [float(pause) for pause in np.diff(loud) if pause > 0.2]
    assert loud[0] < 1.2, f"the first sound came after {loud[0]:.2f} s"
    assert len(pauses_s) >= SENTENCES - 1 and max(pauses_s) < 0.45, f"pauses: {pauses_s}"
    assert len(loud) * 0.02 == pytest.approx(sound_in_one_go_s(tmp_path / "whole.wav"), abs=1.0), "all of it was said"


def sound_in_one_go_s(wav: Path) -> float:
    """How much sound the engine makes of the whole text at once, its pauses left out."""
    engine = Pyttsx3Synthesizer()
    try:
        engine.synthesize(Speech(TEXT.replace("{{ call.from }}", "caller"), "en-US"), wav)
    finally:
        engine.close()
    return np.count_nonzero(frame_levels_dbfs(read_wav(wav)) > -50) * 0.02
