"""Real calls through Asterisk: how loud and by whom texts are spoken, and what callers hear who wait.

All of it is measured on the audio that the caller's telephone received. Where each promise is shown (no name of a file:
below, by a call):

| What | Test |
|---|---|
| a long text is heard while the rest of it is made | `test_a_long_text_is_heard_soon_and_without_gaps` |
| loudness of recordings and of two engines | `test_prompts_of_every_origin_are_equally_loud_and_never_clipped` |
| `pause` | `test_a_pause_is_silence_of_its_length` |
| `spell` | `test_spelled_is_heard_letter_by_letter` |
| `emphasis` | `test_emphasis_is_heard`; with every engine: `tests/contract/test_synthesizers.py` |
| `rate`, with every engine | no call: `tests/contract/test_synthesizers.py` |
| voices per language, and per engine | `test_a_change_of_language_is_a_change_of_voice` and the one after it |
| music, looped without a click | `test_music_goes_round_without_a_click` |
| … loops of any length; the music that is shipped | `tests/sip/test_playing.py`; `tests/speech/test_hold_music.py` |
| music for those who wait for a service or a person | `test_a_caller_hears_music_while_…` |
| a synthesizer that hangs: that of pyttsx3 | `test_a_synthesizer_that_hangs_is_ended_and_the_call_goes_on` |
| rendering keeps no other call waiting | the same call |
| a program that hangs | `test_failing_speech.py`; Piper's process: `tests/contract/test_synthesizers.py` |
| what is sensitive, with each engine | `test_sensitive.py` |
| `ivr say` | no call: `tests/cli/test_speech_commands.py` |
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import ascii_lowercase
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ivr.flow.segments import Speech
from ivr.ports import HOLD_MUSIC
from ivr.speech.pcm import Audio, frame_levels_dbfs, from_pcm16, read_wav, resample, write_wav
from ivr.speech.pyttsx3_synthesizer import Pyttsx3Synthesizer
from ivr.speech.vosk_recognizer import VoskRecognizer
from ivr.testing.sip_peer import PeerCall
from ivr.testing.sip_peer.g711 import Pcm, decode
from ivr.testing.sip_peer.measure import level_dbfs, spans_of_tone
from tests.lab import control
from tests.live.bots import (
    HOLD_HZ,
    MENU_HZ,
    LiveBot,
    answered,
    caller,
    command_line,
    descendants,
    greeted,
    hears,
    live,
    now_s,
    serving,
    wait_until,
    write_project,
)
from tests.live.bots import SPEECH as SPEECH_FILES
from tests.live.speaking_flow import (
    ENGLISH,
    FIRST_HZ,
    GERMAN,
    LOUD,
    NUMBERS,
    PAUSE_S,
    SECOND_HZ,
    SENTENCES,
    SOFT,
    SPEECH,
    SPEECH_LIMIT_S,
    SPELLED,
    TEXT,
    flows,
)
from tests.speech.conftest import ENGLISH_MODEL, GERMAN_MODEL, PROJECT_DIR
from tests.speech.p56 import active_level_dbov
from tests.speech.test_marks import pitch_hz

pytestmark = pytest.mark.live

ANSWER_AFTER_S = 4.5
PCMU_LARGEST = 32124
"""What PCMU makes of full scale."""
FROM_KEY_S = 0.1
"""After the key, where the menu is over for certain."""
ROUND = 8000
"""Samples of the music in `held`."""


class SlowService(BaseHTTPRequestHandler):
    """Answers late."""

    def do_GET(self) -> None:
        time.sleep(ANSWER_AFTER_S)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def speaking_bot(lab: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    """A bot behind the trunk, with the music that is shipped."""
    service = ThreadingHTTPServer(("127.0.0.1", 0), SlowService)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    port, folder = service.server_address[1], tmp_path_factory.mktemp("speaking")
    hosts = {f"127.0.0.1:{port}": {"allow_private": True, "allow_http": True}}
    speech = {**SPEECH, "cache_dir": str(folder / "cache")}
    settings = {"default_flow": "speaking", "numbers": NUMBERS, "requests": {"hosts": hosts}, "speech": speech}
    write_project(folder, control.RTP_TRUNK_PORT, flows=flows(port), settings=settings)
    shutil.copy(PROJECT_DIR / HOLD_MUSIC.path, folder / HOLD_MUSIC.path)
    person = read_wav(SPEECH_FILES / "call-forwarding.wav")
    write_wav(folder / SOFT, Audio(person.samples * np.float32(0.05), person.sample_rate_hz))
    write_wav(folder / LOUD, Audio(person.samples * np.float32(20), person.sample_rate_hz))
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


def sound_in_one_go_s(wav: Path) -> float:
    """How much sound the engine makes of the whole text at once, its pauses left out."""
    samples = said_by_engine(TEXT.replace("{{ call.from }}", "caller"), "en-US", wav)
    return np.count_nonzero(frame_levels_dbfs(Audio(samples, 8000)) > -50) * 0.02


def in_order(call: PeerCall) -> Pcm:
    """What came, packet behind packet: however late one was, what was said has no hole there."""
    return np.concatenate([decode(entry.codec, entry.packet.payload) for entry in call.received if entry.codec])


def as_audio(piece: Pcm) -> Audio:
    return from_pcm16(piece.tobytes(), 8000)


def clicks(music: Pcm) -> float:
    """The largest jump away from the tone: of a pure one, each sample follows from the two before it."""
    samples = music.astype(np.float64)
    following = 2 * np.cos(2 * np.pi * HOLD_HZ / 8000) * samples[1:-1] - samples[:-2]
    return float(np.abs(samples[2:] - following).max())


def understood(ear: VoskRecognizer, piece: Pcm, language: str, words: Sequence[str] = ()) -> str:
    padded = np.pad(piece, (2400, 4000))
    return ear.transcribe(padded.tobytes(), 8000, language, words).text


def resemblance(one: Heard, other: Heard) -> float:
    """How alike two voices say the same, by their spectra every 20 ms: 1 is the same."""
    spectra = [log_spectra(samples) for samples in (one, other)]
    best = -1.0
    for shift in range(-10, 11):  # silence before them may differ
        first, second = spectra[0][max(0, shift) :], spectra[1][max(0, -shift) :]
        both = min(len(first), len(second))
        best = max(best, float(np.corrcoef(first[:both].ravel(), second[:both].ravel())[0, 1]))
    return best


def log_spectra(samples: Heard) -> npt.NDArray[np.float64]:
    begin = int(np.flatnonzero(np.abs(samples) > 0.001)[0])
    windows = np.lib.stride_tricks.sliding_window_view(samples[begin:], 256)[::160]
    sizes = np.abs(np.fft.rfft(windows * np.hanning(256), axis=1))
    return np.asarray(np.log(sizes + 0.01 * sizes.max()), dtype=np.float64)


def said_by_engine(text: str, language: str, wav: Path) -> Heard:
    engine = Pyttsx3Synthesizer()
    try:
        engine.synthesize(Speech(text, language), wav)
    finally:
        engine.close()
    return resample(read_wav(wav), 8000).samples


def speaker_of(bot: LiveBot) -> int:
    """The process that speaks; it is woken by a prompt, and takes a moment."""

    def speakers() -> list[int]:
        return [pid for pid in descendants(bot.process.pid) if "pyttsx3_worker" in command_line(pid)]

    wait_until(lambda: bool(speakers()), 5, lambda: "there is no process that speaks")
    return speakers()[0]


def pieces(audio: Pcm) -> list[Pcm]:
    """What was heard between silences of half a second and more."""
    loud = np.flatnonzero(frame_levels_dbfs(from_pcm16(audio.tobytes(), 8000)) > -50)
    ends = np.flatnonzero(np.diff(loud) > 25)
    begins = loud[np.concatenate(([0], ends + 1))]
    return [audio[begin * 160 : (end + 1) * 160] for begin, end in zip(begins, loud[[*ends, -1]], strict=True)]


@pytest.fixture(scope="module")
def ear() -> Iterator[VoskRecognizer]:
    """Who tells what was said; German only where there is a model."""
    german = {"de": GERMAN_MODEL} if GERMAN_MODEL.is_dir() else {}
    recognizer = VoskRecognizer({"en": ENGLISH_MODEL, **german})
    yield recognizer
    recognizer.close()


@pytest.fixture(scope="module")
def heard(speaking_bot: LiveBot) -> dict[str, Pcm]:
    """What was heard in a call of each flow that needs no key, and of the long text, all at the same time."""

    async def hear(number: str) -> Pcm:
        async with caller(codecs=("PCMU",)) as phone:
            call = await answered(phone.dial(control.number(number)))
            await call.wait_ended(40)
            return in_order(call)

    async def hear_long() -> Pcm:
        async with caller() as phone:
            call = await answered(phone.dial(control.number(1041)))
            await hears(call, MENU_HZ)
            await call.press("3")
            pressed_s = len(call.received_audio()) / 8000
            await call.wait_ended(60)
            return call.received_audio()[int((pressed_s + FROM_KEY_S) * 8000) :]

    async def hear_two() -> tuple[Pcm, Pcm]:
        return await hear("1042"), await hear("1044")

    async def hear_all() -> dict[str, Pcm]:
        """No more legs at once than one worker has."""
        (voices, held), marks, long = await asyncio.gather(hear_two(), hear("1043"), hear_long())
        return {"voices": voices, "held": held, "marks": marks, "long": long}

    return asyncio.run(hear_all())


def test_a_long_text_is_heard_soon_and_without_gaps(heard: dict[str, Pcm], tmp_path: Path) -> None:
    loud = np.flatnonzero(frame_levels_dbfs(as_audio(heard["long"])) > -50) * 0.02 + FROM_KEY_S
    pauses_s = [float(pause) for pause in np.diff(loud) if pause > 0.2]
    assert loud[0] < 1.2, f"the first sound came after {loud[0]:.2f} s"
    assert len(pauses_s) >= SENTENCES - 1 and max(pauses_s) < 0.45, f"pauses: {pauses_s}"
    assert len(loud) * 0.02 == pytest.approx(sound_in_one_go_s(tmp_path / "whole.wav"), abs=1.0), "all of it was said"


def test_prompts_of_every_origin_are_equally_loud_and_never_clipped(heard: dict[str, Pcm]) -> None:
    levels = [active_level_dbov(piece) for piece in pieces(heard["voices"])]
    assert len(levels) == 5, "soft and loud recording, pyttsx3, flite, pyttsx3 in German"
    assert levels == pytest.approx([-20.0] * 5, abs=1.0), "dBov by ITU-T P.56"
    loudest = {name: int(np.abs(audio.astype(np.int32)).max()) for name, audio in heard.items()}
    assert max(loudest.values()) < PCMU_LARGEST, "the overdriven recording, and a text with strong emphasis"


def test_a_pause_is_silence_of_its_length(heard: dict[str, Pcm]) -> None:
    audio = heard["marks"]
    first, second = (spans_of_tone(audio, hz)[0] for hz in (FIRST_HZ, SECOND_HZ))
    assert second[0] - first[1] == pytest.approx(PAUSE_S, abs=0.03)
    silence = audio[int((first[1] + 0.05) * 8000) : int((second[0] - 0.05) * 8000)]
    assert level_dbfs(silence) < -60


def test_emphasis_is_heard(heard: dict[str, Pcm]) -> None:
    usual, strong, reduced, _ = pieces(heard["marks"])[2:]
    assert len(strong) > 1.1 * len(usual) > 1.1 * len(reduced), "slower, and faster"
    loud_db = [active_level_dbov(piece) - active_level_dbov(usual) for piece in (strong, reduced)]
    assert loud_db == pytest.approx([4.0, -3.0], abs=0.5)
    assert pitch_hz(as_audio(strong)) > 1.08 * pitch_hz(as_audio(usual))


def test_spelled_is_heard_letter_by_letter(heard: dict[str, Pcm], ear: VoskRecognizer) -> None:
    spelled = pieces(heard["marks"])[-1]
    assert understood(ear, spelled, "en", ascii_lowercase) == " ".join(SPELLED)


def test_a_change_of_language_is_a_change_of_voice(heard: dict[str, Pcm], ear: VoskRecognizer, tmp_path: Path) -> None:
    american, british, german = pieces(heard["voices"])[2:]
    plain = ENGLISH.rstrip(".").lower()
    assert [understood(ear, piece, "en") for piece in (american, british)] == [plain, plain]
    assert pitch_hz(as_audio(british)) > 1.3 * pitch_hz(as_audio(american)), "a woman, and a man"
    spoken = {language: said_by_engine(GERMAN, language, tmp_path / "said.wav") for language in ("de-DE", "en-US")}
    alike = {language: resemblance(as_audio(german).samples, samples) for language, samples in spoken.items()}
    assert alike["de-DE"] > 0.9 and alike["en-US"] < 0.5, "the German text, and by the German voice"


@pytest.mark.skipif(not GERMAN_MODEL.is_dir(), reason="there is no German model under ../shared/models")
def test_german_is_understood_by_who_knows_german(heard: dict[str, Pcm], ear: VoskRecognizer) -> None:
    german = pieces(heard["voices"])[-1]
    assert understood(ear, german, "de") == GERMAN.rstrip(".").lower()


def test_music_goes_round_without_a_click(heard: dict[str, Pcm]) -> None:
    [music] = pieces(heard["held"])
    assert len(music) > 3 * ROUND, "three seams"
    assert clicks(music) < 1.05 * clicks(music[ROUND // 10 : ROUND * 9 // 10]), "no more than within a round"
    assert clicks(np.delete(music, ROUND)) > 2 * clicks(music), "one sample less would be noticed"
    assert not (music[ROUND:] - music[:-ROUND]).any(), "nothing left out, nothing put in"


@live
async def test_a_synthesizer_that_hangs_is_ended_and_the_call_goes_on(speaking_bot: LiveBot) -> None:
    async with caller() as phone:
        call = await answered(phone.dial(control.number(1041)))
        await hears(call, MENU_HZ)
        hung = await asyncio.to_thread(speaker_of, speaking_bot)
        os.kill(hung, signal.SIGSTOP)
        await call.press("4")
        pressed_s = now_s(call)
        await greeted(speaking_bot)
        assert now_s(call) - pressed_s < SPEECH_LIMIT_S, "others are heard and answered meanwhile"
        heard_s = await hears(call, MENU_HZ, 5, after_s=pressed_s + 1.0)
        assert heard_s - pressed_s == pytest.approx(SPEECH_LIMIT_S, abs=0.5), "ended after its limit"
        await call.press("4")
        pressed_s = now_s(call)
        await call.wait_ended(8)
        spoken = heard_between(call, pressed_s + 0.1, pressed_s + 8)
    assert np.count_nonzero(frame_levels_dbfs(Audio(spoken, 8000)) > -50) * 0.02 > 0.5, "another one spoke"
    assert speaker_of(speaking_bot) != hung
    record = await asyncio.to_thread(speaking_bot.record_of, "caller")
    [told] = [step["detail"] for step in record["steps"] if step["outcome"] == "error"]
    assert "hung for 2 s and was started again" in told
    assert "synthesizer_restarted" in speaking_bot.log()
