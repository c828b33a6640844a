"""Voice activity on human recordings, with and without noise, and on noise alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from ivr.flow import turn
from ivr.speech.pcm import Audio, active_level_dbfs, read_wav
from ivr.speech.vad import FRAME_S, VoiceActivityDetector, level_dbfs
from tests.speech import noises
from tests.speech.lines import FRAME, add, as_int16, g711_line, recording, recordings

pytestmark = pytest.mark.adapter

RATE_HZ = 8000
SPEAKERS = ("george", "lucas", "theo")
Signal = npt.NDArray[np.float64]


def noise(kind: str, duration_s: float, level: float) -> Signal:
    """Noise of an RMS level in dBFS, the same at every call."""
    count = round(duration_s * RATE_HZ)
    time_s = np.arange(count) / RATE_HZ
    white = np.random.default_rng(7).standard_normal(count)
    if kind == "hum":
        signal = sum(np.sin(2 * np.pi * 50 * order * time_s) / order for order in (1, 2, 3, 5))
    elif kind == "pink":
        spectrum = np.fft.rfft(white)
        signal = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)), count)
    else:
        signal = white
    signal = np.asarray(signal, dtype=np.float64)
    return np.asarray(signal / np.sqrt(np.mean(signal**2)) * 10 ** (level / 20))


def starts(signal: Signal, rate_hz: int = RATE_HZ) -> int:
    """How many utterances a caller would have begun."""
    pcm = Audio(signal.astype(np.float32), rate_hz).pcm16()
    detector, settings, state, count = VoiceActivityDetector(rate_hz), turn.TurnSettings(), turn.TurnState(), 0
    size = detector.frame_bytes
    for index in range(len(pcm) // size):
        is_speech = detector.is_speech(pcm[index * size : (index + 1) * size])
        state, event = turn.step(settings, state, index * FRAME_S, is_speech)
        count += isinstance(event, turn.SpeechStarted)
    return count


def clip(path: Path) -> Signal:
    quiet = np.zeros(RATE_HZ // 2)
    return np.concatenate([quiet, read_wav(path).samples.astype(np.float64), quiet, quiet])


@pytest.mark.parametrize("speaker", SPEAKERS)
def test_human_digits_are_each_one_utterance(digits_dir: Path, speaker: str) -> None:
    counts = [starts(clip(path)) for path in sorted((digits_dir / speaker).glob("*.wav"))]
    assert len(counts) == 50
    assert counts.count(1) >= 48, "theo speaks at -42 dBFS, his shortest words are 0.1 s long"
    assert max(counts) == 1


@pytest.mark.parametrize("speaker", SPEAKERS)
def test_human_digits_are_found_in_noise_15_db_below(digits_dir: Path, speaker: str) -> None:
    counts = []
    for path in sorted((digits_dir / speaker).glob("*.wav")):
        speech = clip(path)
        level = active_level_dbfs(read_wav(path)) - 15
        counts.append(starts(speech + noise("white", len(speech) / RATE_HZ, level)[: len(speech)]))
    assert sum(count >= 1 for count in counts) >= 46


@pytest.mark.parametrize("kind", ["white", "pink", "hum"])
@pytest.mark.parametrize("level", [-70, -55, -40])
def test_steady_noise_is_not_speech(kind: str, level: float) -> None:
    assert starts(noise(kind, 20.0, level)) == 0


def test_loud_noise_is_taken_for_speech_only_until_its_level_is_known() -> None:
    assert starts(noise("white", 20.0, -25)) <= 1


def test_digital_silence_is_not_speech() -> None:
    assert starts(np.zeros(RATE_HZ * 5)) == 0


def test_clicks_are_not_speech() -> None:
    signal = np.zeros(RATE_HZ * 10)
    burst = np.random.default_rng(1).standard_normal(400) * np.exp(-np.arange(400) / 80) * 0.3
    for begin in range(4000, len(signal) - 400, 8000):
        signal[begin : begin + 400] = burst
    assert starts(signal) == 0


def test_speech_is_found_at_16_khz(english_dir: Path) -> None:
    from ivr.speech.pcm import resample

    wide = resample(read_wav(english_dir / "vm-no.wav"), 16000)
    assert starts(wide.samples.astype(np.float64), 16000) == 1


def test_levels() -> None:
    assert level_dbfs(b"\0" * 320) == -96.0
    sine = (np.sin(2 * np.pi * np.arange(160) / 16) * 32767).astype("<i2").tobytes()
    assert level_dbfs(sine) == pytest.approx(-3.01, abs=0.02)


@pytest.mark.parametrize("noise", [*noises.NOISES.values(), noises.music])
def test_words_in_noise_are_not_taken_for_a_sound_that_goes_on(noise: noises.Noise) -> None:
    judged = 0
    for name in recordings()[::5]:
        line = add(noise(6 * RATE_HZ, -31.0, 4), recording(name, -26.0)[: 3 * RATE_HZ], 1.5)
        for is_certain in turns_judged(as_int16(g711_line(line))):
            assert is_certain, name
            judged += 1
    assert judged >= 7


def turns_judged(pcm: npt.NDArray[np.int16]) -> Iterator[bool]:
    """Of each turn of a line, whether somebody spoke for certain."""
    detector, settings, state = VoiceActivityDetector(RATE_HZ), turn.TurnSettings(), turn.TurnState()
    for at in range(0, len(pcm) - FRAME + 1, FRAME):
        is_speech = detector.is_speech(pcm[at : at + FRAME].tobytes())
        state, event = turn.step(settings, state, at / RATE_HZ, is_speech)
        if isinstance(event, turn.SpeechEnded):
            yield detector.was_certain()
