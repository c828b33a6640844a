"""The helper process that levels audio."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import structlog

from ivr.errors import MediaFailed
from ivr.speech import leveller as leveller_module
from ivr.speech.hold import write_hold_sound
from ivr.speech.leveller import Leveller
from ivr.speech.pcm import Audio, active_level_dbfs, read_wav, telephone_ready, write_wav

pytestmark = pytest.mark.adapter


@pytest.fixture
def leveller() -> Iterator[Leveller]:
    made = Leveller(8000, -20.0)
    yield made
    made.close()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    at_s = np.arange(22050) / 22050
    write_wav(tmp_path / "source.wav", Audio((0.02 * np.sin(2 * np.pi * 500 * at_s)).astype(np.float32), 22050))
    return tmp_path / "source.wav"


@pytest.mark.parametrize("is_trimmed", [True, False])
def test_the_helper_writes_what_the_arithmetic_makes(
    leveller: Leveller, source: Path, tmp_path: Path, is_trimmed: bool
) -> None:
    leveller.wake()
    leveller.make_ready(source, tmp_path / "target.wav", is_trimmed=is_trimmed)
    expected = telephone_ready(read_wav(source), 8000, -20.0, is_trimmed=is_trimmed)
    written = read_wav(tmp_path / "target.wav")
    assert written.sample_rate_hz == 8000
    assert written.pcm16() == expected.pcm16()


def test_an_unusable_recording_is_named_and_the_helper_goes_on(
    leveller: Leveller, source: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.wav").write_text("not audio")
    with pytest.raises(MediaFailed, match=r"bad\.wav.*save it as PCM WAV"):
        leveller.make_ready(tmp_path / "bad.wav", tmp_path / "target.wav", is_trimmed=True)
    leveller.make_ready(source, tmp_path / "target.wav", is_trimmed=True)
    assert abs(active_level_dbfs(read_wav(tmp_path / "target.wav")) + 20.0) < 1.0


def test_a_rested_helper_comes_back(leveller: Leveller, source: Path, tmp_path: Path) -> None:
    for _ in range(2):
        leveller.make_ready(source, tmp_path / "target.wav", is_trimmed=True)
        leveller.rest()
        (tmp_path / "target.wav").unlink()


def test_a_helper_that_dies_is_an_error_worth_another_try(
    monkeypatch: pytest.MonkeyPatch, source: Path, tmp_path: Path
) -> None:
    monkeypatch.setattr(leveller_module, "WORKER_COMMAND", (sys.executable, "-c", "print('{\"ok\": true}')"))
    broken = Leveller(8000, -20.0)
    with structlog.testing.capture_logs() as logs, pytest.raises(MediaFailed, match="try once more") as caught:
        broken.make_ready(source, tmp_path / "target.wav", is_trimmed=True)
    broken.close()
    assert caught.value.retryable
    assert [entry["event"] for entry in logs] == ["leveller_restarted"]


def test_the_built_in_hold_sound_is_soft_and_loops_without_a_click(tmp_path: Path) -> None:
    write_hold_sound(tmp_path / "hold.wav", 8000)
    hold = read_wav(tmp_path / "hold.wav")
    assert hold.duration_s == 4.0
    assert 0.02 < float(np.abs(hold.samples).max()) < 0.1
    assert not hold.samples[0]
    assert not hold.samples[-8000:].any()
