"""What confidence means."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmarks.calibrate import calibration_error, fit
from ivr.errors import ModelMissing
from ivr.speech.calibration import FILE, IDENTITY, ConfidenceMap, confidence_map
from ivr.speech.decoding import mean_confidence
from ivr.speech.pcm import pad, read_wav
from ivr.speech.vosk_recognizer import VoskRecognizer
from tests.speech.conftest import DIGITS, ENGLISH_MODEL


@pytest.mark.unit
def test_between_two_points_the_line_is_straight() -> None:
    line = ConfidenceMap(((0.0, 0.0), (0.5, 0.8), (1.0, 1.0)))
    assert [line(raw) for raw in (0.0, 0.25, 0.5, 0.75, 1.0)] == [0.0, 0.4, 0.8, 0.9, 1.0]


@pytest.mark.unit
@pytest.mark.parametrize(
    "points",
    [
        ((0.0, 0.0), (0.5, 0.8), (0.5, 0.9), (1.0, 1.0)),
        ((0.0, 0.0), (0.5, 0.8), (1.0, 0.7)),
        ((0.1, 0.0), (1.0, 1.0)),
        ((0.0, 0.0), (0.9, 1.0)),
        ((0.0, 0.0), (1.0, 1.2)),
    ],
)
def test_a_line_that_goes_back_or_down_or_is_not_whole_is_refused(points: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(ValueError, match="rise"):
        ConfidenceMap(points)


@pytest.mark.unit
def test_a_model_without_the_file_keeps_its_own_confidence(tmp_path: Path) -> None:
    assert confidence_map(tmp_path) is IDENTITY


@pytest.mark.unit
@pytest.mark.parametrize("content", ["{", "[]", '{"points": [[0, 0]]}', '{"points": 3}', '{"points": [["a", 0]]}'])
def test_a_file_that_cannot_be_used_says_what_to_do(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(ModelMissing, match="delete it"):
        confidence_map(tmp_path)


@pytest.mark.unit
def test_what_is_fitted_tells_the_share_that_is_right() -> None:
    dice = np.random.default_rng(5)
    entries = [(raw, bool(dice.uniform() < 0.4 + 0.6 * raw)) for raw in dice.uniform(0.2, 1.0, 4000).tolist()]
    line = fit(entries)
    assert all(line(raw) == pytest.approx(0.4 + 0.6 * raw, abs=0.06) for raw in (0.4, 0.6, 0.8, 0.95))
    assert calibration_error([(line(raw), right) for raw, right in entries]) < 0.03 < calibration_error(entries)


@pytest.mark.unit
def test_the_fitted_line_never_falls_where_chance_makes_a_bin_worse_than_the_one_before() -> None:
    entries = [(0.55, number < 28) for number in range(30)] + [(0.65, number < 20) for number in range(30)]
    line = fit(entries)
    assert line(0.65) >= line(0.55) and line(0.6) == pytest.approx(0.8, abs=0.05)


@pytest.mark.unit
def test_calibration_error_is_the_mean_distance_by_size_of_bin() -> None:
    entries = [(0.85, True)] * 3 + [(0.85, False)] + [(0.25, False)] * 4
    assert calibration_error(entries) == pytest.approx(0.5 * 0.1 + 0.5 * 0.25)


@pytest.mark.adapter
def test_the_map_of_the_model_makes_the_confidence_of_lists_and_not_of_free_speech(
    tmp_path: Path, english_dir: Path
) -> None:
    model = shutil.copytree(ENGLISH_MODEL, tmp_path / "model")
    (model / FILE).write_text(json.dumps({"points": [[0, 0], [1, 0.5]]}))
    pcm = pad(read_wav(english_dir / "digits_4.wav"), 0.3).pcm16()
    recognizer = VoskRecognizer({"en": model})
    try:
        listed, free = recognizer.transcribe(pcm, 8000, "en", DIGITS), recognizer.transcribe(pcm, 8000, "en")
    finally:
        recognizer.close()
    assert listed.text == "four" and listed.confidence == pytest.approx(mean_confidence(listed.words) / 2, abs=0.001)
    assert free.confidence == mean_confidence(free.words)
