"""What a doubtful utterance may have been."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ivr.speech.decoding import Heard
from ivr.speech.pcm import pad, read_wav
from ivr.speech.vosk_engine import shares
from ivr.speech.vosk_recognizer import VoskRecognizer
from tests.speech.conftest import DIGITS


@pytest.mark.unit
def test_shares_add_up_and_keep_the_order() -> None:
    told = shares([("bonn", 50.0), ("rome", 49.0), ("", 40.0)])
    assert [text for text, _ in told] == ["bonn", "rome", ""]
    assert sum(share for _, share in told) == pytest.approx(1.0, abs=0.001) and told[0][1] == pytest.approx(
        0.731, abs=0.001
    )
    assert shares([]) == () and shares([("far", -1e9), ("near", 0.0)])[0][1] == 0.0


@pytest.fixture(scope="module")
def noisy_digits(recognizer: VoskRecognizer, digits_dir: Path) -> list[Heard]:
    """Human digits under loud noise."""
    random, found = np.random.default_rng(11), []
    for path in sorted(digits_dir.glob("*/*_[0-2].wav")):
        audio = pad(read_wav(path), 0.3)
        level = np.sqrt((read_wav(path).samples ** 2).mean())
        hiss = random.normal(0, level * 10 ** (-7 / 20), len(audio.samples))
        pcm = (np.clip(audio.samples + hiss, -1, 1) * 32767).astype("<i2").tobytes()
        found.append(recognizer.transcribe(pcm, 8000, "en", DIGITS))
    return found


@pytest.mark.adapter
def test_doubt_has_several_readings_that_agree_with_the_confidence(noisy_digits: list[Heard]) -> None:
    doubtful = [heard for heard in noisy_digits if heard.n_best]
    assert len(doubtful) >= 20, "the noise leaves little doubt"
    agreeing = [heard for heard in doubtful if abs(dict(heard.n_best).get(heard.text, 0.0) - heard.confidence) < 0.15]
    assert len(agreeing) >= 0.9 * len([heard for heard in doubtful if heard.text != "[unk]"])
    assert all(sum(share for _, share in heard.n_best) == pytest.approx(1.0, abs=0.01) for heard in doubtful)


@pytest.mark.adapter
def test_without_doubt_and_in_free_speech_there_is_one_reading(recognizer: VoskRecognizer, english_dir: Path) -> None:
    pcm = pad(read_wav(english_dir / "spy-agent.wav"), 0.3).pcm16()
    assert recognizer.transcribe(pcm, 8000, "en", ("agent", "message")).n_best == ()
    assert recognizer.transcribe(pcm, 8000, "en").n_best == ()
