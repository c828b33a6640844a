"""Marks of a text with the real espeak-ng: heard, not only asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ivr.flow.segments import Speech
from ivr.speech.pcm import Audio, read_wav
from ivr.speech.pyttsx3_synthesizer import Pyttsx3Synthesizer

pytestmark = pytest.mark.adapter


@pytest.fixture
def engine() -> Iterator[Pyttsx3Synthesizer]:
    made = Pyttsx3Synthesizer()
    yield made
    made.close()


def pitch_hz(audio: Audio) -> float:
    """Median of the frames' pitch, by autocorrelation between 60 and 300 Hz."""
    frame, found = audio.sample_rate_hz // 20, []
    shortest, longest = audio.sample_rate_hz // 300, audio.sample_rate_hz // 60
    for start in range(0, len(audio.samples) - frame, frame):
        piece = audio.samples[start : start + frame].astype(np.float64)
        likeness = np.correlate(piece, piece, "full")[frame - 1 :]
        lag = shortest + int(np.argmax(likeness[shortest:longest]))
        if likeness[0] > 0.5 and likeness[lag] > 0.5 * likeness[0]:
            found.append(audio.sample_rate_hz / lag)
    return float(np.median(found))


def said(engine: Pyttsx3Synthesizer, speech: Speech, tmp_path: Path) -> Audio:
    engine.synthesize(speech, tmp_path / "x.wav")
    return read_wav(tmp_path / "x.wav")


def test_emphasis_raises_the_voice_and_the_next_text_is_as_usual(engine: Pyttsx3Synthesizer, tmp_path: Path) -> None:
    text = "Tell your number to nobody at all."
    before = pitch_hz(said(engine, Speech(text, "en"), tmp_path))
    strong = pitch_hz(said(engine, Speech(text, "en", emphasis="strong"), tmp_path))
    after = pitch_hz(said(engine, Speech(text, "en"), tmp_path))
    assert strong > before * 1.08
    assert after == pytest.approx(before, rel=0.03)
