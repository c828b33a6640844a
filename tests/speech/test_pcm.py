"""PCM arithmetic, measured on audio."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from ivr.errors import MediaFailed
from ivr.speech.pcm import (
    Audio,
    active_level_dbfs,
    from_pcm16,
    level,
    pad,
    read_wav,
    resample,
    silence,
    telephone_ready,
    trim,
    write_wav,
)
from ivr.speech.wav_files import is_whole_wav
from ivr.testing.sip_peer.measure import tone
from tests.speech.conftest import PROJECT_DIR
from tests.speech.p56 import active_level_dbov

pytestmark = pytest.mark.unit


def sine(frequency_hz: float, duration_s: float, rate_hz: int, amplitude: float = 0.5) -> Audio:
    time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    return Audio((amplitude * np.sin(2 * np.pi * frequency_hz * time_s)).astype(np.float32), rate_hz)


def loudest_hz(audio: Audio) -> float:
    spectrum = np.abs(np.fft.rfft(audio.samples))
    return float(np.argmax(spectrum) * audio.sample_rate_hz / len(audio.samples))


def write_raw(path: Path, raw: bytes, rate_hz: int, width_bytes: int, channels: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width_bytes)
        file.setframerate(rate_hz)
        file.writeframes(raw)
    return path


@pytest.mark.parametrize("rate_hz", [8000, 11025, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("width_bytes", [1, 2, 3, 4])
def test_any_wav_is_read_with_its_tone_and_level(tmp_path: Path, rate_hz: int, width_bytes: int) -> None:
    tone = sine(440, 1.0, rate_hz).samples.astype(np.float64)
    if width_bytes == 1:
        raw = (tone * 127 + 128).astype(np.uint8).tobytes()
    else:
        values = (tone * (2 ** (8 * width_bytes - 1) - 1)).astype("<i4")
        raw = values.view(np.uint8).reshape(-1, 4)[:, :width_bytes].tobytes()
    audio = resample(read_wav(write_raw(tmp_path / "x.wav", raw, rate_hz, width_bytes, 1)), 8000)
    assert audio.duration_s == pytest.approx(1.0, abs=0.01)
    assert loudest_hz(audio) == pytest.approx(440, abs=2)
    assert np.sqrt(np.mean(audio.samples**2)) == pytest.approx(0.5 / np.sqrt(2), abs=0.01)


def test_stereo_is_mixed_down(tmp_path: Path) -> None:
    left, right = sine(440, 0.5, 8000).pcm16(), sine(440, 0.5, 8000, amplitude=0.0).pcm16()
    both = np.stack([np.frombuffer(left, "<i2"), np.frombuffer(right, "<i2")], axis=1).tobytes()
    audio = read_wav(write_raw(tmp_path / "x.wav", both, 8000, 2, 2))
    assert np.max(np.abs(audio.samples)) == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize(
    ("content", "text"),
    [(b"", "not a WAV file"), (b"RIFF", "not a WAV file"), (b"#!/bin/sh\n" * 20, "not a WAV file")],
)
def test_what_is_no_wav_is_refused(tmp_path: Path, content: bytes, text: str) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(content)
    with pytest.raises(MediaFailed, match=text):
        read_wav(path)


def test_a_missing_file_and_an_empty_one_are_named(tmp_path: Path) -> None:
    with pytest.raises(MediaFailed, match="no such file"):
        read_wav(tmp_path / "none.wav")
    with pytest.raises(MediaFailed, match="holds no audio"):
        read_wav(write_raw(tmp_path / "empty.wav", b"", 8000, 2, 1))


def test_a_cut_off_file_is_not_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    write_wav(path, sine(440, 1.0, 8000))
    assert is_whole_wav(path)
    path.write_bytes(path.read_bytes()[:-100])
    assert not is_whole_wav(path)


def test_16_bit_samples_survive_a_round_trip(tmp_path: Path) -> None:
    write_wav(tmp_path / "x.wav", sine(440, 0.1, 8000))
    first = read_wav(tmp_path / "x.wav")
    assert np.max(np.abs(from_pcm16(first.pcm16(), 8000).samples - first.samples)) < 2 / 32768


def test_resampling_keeps_no_alias() -> None:
    assert np.max(np.abs(resample(sine(6000, 0.5, 22050), 8000).samples[200:-200])) < 0.01


def test_trimming_leaves_the_sound_and_a_little_silence() -> None:
    padded = pad(sine(440, 1.0, 8000), 0.7)
    assert trim(padded, keep_s=0.04).duration_s == pytest.approx(1.08, abs=0.03)


def test_trimming_leaves_silence_and_tight_sound_alone() -> None:
    assert trim(silence(1.0, 8000)).duration_s == 1.0
    assert trim(sine(440, 1.01, 8000)).duration_s == pytest.approx(1.01)


@pytest.mark.parametrize("amplitude", [0.004, 0.1, 0.9])
def test_active_speech_is_brought_to_the_level(english_dir: Path, amplitude: float) -> None:
    speech = read_wav(english_dir / "queue-thankyou.wav")
    scaled = Audio((speech.samples / np.max(np.abs(speech.samples)) * amplitude).astype(np.float32), 8000)
    leveled = level(scaled, -20.0)
    assert active_level_dbfs(leveled) == pytest.approx(-20.0, abs=0.5)
    assert np.max(np.abs(leveled.samples)) < 0.99


def test_a_loud_level_bends_the_peaks_instead_of_clipping_them(english_dir: Path) -> None:
    loud = level(read_wav(english_dir / "queue-thankyou.wav"), -10.0)
    assert np.max(np.abs(loud.samples)) < 0.985
    assert active_level_dbfs(loud) == pytest.approx(-10.0, abs=1.0)
    at_ceiling = np.mean(np.abs(loud.samples) > 0.975)
    assert at_ceiling < 0.01


def test_silence_is_not_made_loud() -> None:
    assert np.max(np.abs(level(silence(0.5, 8000), -20.0).samples)) == 0.0


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_telephone_ready_audio_has_the_rate_and_level(english_dir: Path, rate_hz: int) -> None:
    ready = telephone_ready(read_wav(english_dir / "hello.wav"), rate_hz, -20.0)
    assert ready.sample_rate_hz == rate_hz
    assert active_level_dbfs(ready) == pytest.approx(-20.0, abs=0.5)


def test_the_level_of_prompts_is_that_of_itu_t_p56() -> None:
    for name in ("vm-sorry", "queue-quantity2", "vm-toenternumber", "call-forwarding", "please-try-again"):
        audio = level(read_wav(PROJECT_DIR / "tests" / "data" / "speech" / "en" / f"{name}.wav"), -20.0)
        measured = np.frombuffer(audio.pcm16(), dtype=np.int16)
        assert active_level_dbov(measured, audio.sample_rate_hz) == pytest.approx(-20.3, abs=0.7), name


def test_p56_takes_silence_out_of_a_level() -> None:
    talk = tone(500, 2.0, -20.0)
    assert active_level_dbov(talk) == pytest.approx(-23.0, abs=0.1)
    with_silence = np.concatenate((talk, np.zeros(24000, dtype=np.int16), talk))
    assert active_level_dbov(with_silence) == pytest.approx(-23.0, abs=0.3)
