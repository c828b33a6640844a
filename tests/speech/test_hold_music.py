"""What callers hear who wait: the file itself, and what the prompt store makes of it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ivr.ports import HOLD_MUSIC
from ivr.sip.wav import assemble
from ivr.speech.pcm import Audio, active_level_dbfs, frame_levels_dbfs, from_pcm16, read_wav
from ivr.speech.prompt_cache import FilePromptStore
from ivr.speech.sounds import SoundLibrary
from tests.speech.conftest import PROJECT_DIR

pytestmark = pytest.mark.adapter

MUSIC = PROJECT_DIR / HOLD_MUSIC.path
OWN = PROJECT_DIR / "tests" / "lab" / "moh" / "moh.wav"
RATES_HZ = (8000, 16000)


@pytest.fixture(scope="module", params=RATES_HZ)
def rendered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield from made(tmp_path_factory.mktemp("cache"), SoundLibrary(PROJECT_DIR / "sounds"), request.param)


def made(cache: Path, sounds: SoundLibrary | None, rate_hz: int) -> Iterator[Path]:
    store = FilePromptStore(None, cache, sounds=sounds, sample_rate_hz=rate_hz)
    yield asyncio.run(store.render([HOLD_MUSIC]))[0]
    store.close()


def looped(file: Path, rate_hz: int) -> Audio:
    """As the telephony plays it; three rounds."""
    pcm = assemble([file], lead_in_s=0.0, rate_hz=rate_hz, is_loop=True)
    return from_pcm16(pcm.samples * 3, pcm.rate_hz)


def test_the_music_is_a_quiet_loop_of_a_minute_or_so_in_the_telephones_band() -> None:
    audio = read_wav(MUSIC)
    assert 40 <= audio.duration_s <= 70
    power = np.abs(np.fft.rfft(audio.samples)) ** 2
    hz = np.fft.rfftfreq(len(audio.samples), 1 / audio.sample_rate_hz)
    assert power[(hz > 250) & (hz < 3400)].sum() > 0.8 * power.sum()


def test_its_level_is_a_little_below_speech_and_nothing_is_clipped(rendered: Path) -> None:
    audio = read_wav(rendered)
    assert active_level_dbfs(audio) == pytest.approx(-24.0, abs=0.5)
    assert float(np.abs(audio.samples).max()) < 0.7


def test_its_loop_has_no_click(rendered: Path) -> None:
    audio = read_wav(rendered)
    loop = looped(rendered, audio.sample_rate_hz)
    steps = np.abs(np.diff(loop.samples))
    bend = np.abs(np.diff(loop.samples, 2))
    inside = np.abs(np.diff(audio.samples[: len(audio.samples) // 2], 2)).max()
    seams = np.arange(len(audio.samples), len(loop.samples), len(audio.samples))
    assert len(seams) >= 2
    for seam in seams:
        assert not loop.samples[seam - 800 : seam].any(), "it ends in silence, so a player may even leave a gap"
        assert steps[seam - 8 : seam + 8].max() < 0.01, "and begins softly"
    assert bend.max() <= inside * 1.5, "nor anywhere else"


def test_it_is_not_silent_for_long(rendered: Path) -> None:
    levels = frame_levels_dbfs(looped(rendered, read_wav(rendered).sample_rate_hz))
    loud = np.flatnonzero(levels > -55.0)
    assert np.diff(loud).max() * 0.02 < 1.5


def test_the_script_makes_the_file_that_is_shipped(tmp_path: Path) -> None:
    file = tmp_path / "hold.wav"
    subprocess.run([sys.executable, PROJECT_DIR / "scripts" / "hold_music.py", file], check=True, timeout=60)
    made_samples, shipped = read_wav(file).samples, read_wav(MUSIC).samples
    assert len(made_samples) == len(shipped)
    assert float(np.abs(made_samples - shipped).max()) < 0.001


@pytest.mark.parametrize("has_folder", [True, False])
def test_where_there_is_no_music_there_is_a_sound(tmp_path: Path, has_folder: bool) -> None:
    (tmp_path / "sounds").mkdir()
    for file in made(tmp_path / "cache", SoundLibrary(tmp_path / "sounds") if has_folder else None, 8000):
        assert read_wav(file).duration_s == 4.0


def test_music_of_ones_own_takes_its_place(tmp_path: Path) -> None:
    (tmp_path / "sounds").mkdir()
    (tmp_path / "sounds" / "hold.wav").write_bytes(OWN.read_bytes())
    for file in made(tmp_path / "cache", SoundLibrary(tmp_path / "sounds"), 8000):
        assert active_level_dbfs(read_wav(file)) == pytest.approx(-24.0, abs=0.5)
        assert read_wav(file).duration_s == pytest.approx(
            read_wav(PROJECT_DIR / "tests/lab/moh/moh.wav").duration_s, abs=0.01
        )
