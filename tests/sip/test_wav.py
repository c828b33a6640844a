from __future__ import annotations

import struct
from pathlib import Path

import pytest

from ivr.errors import MediaFailed
from ivr.sip.wav import assemble, parse_wav, read_wav, to_wav
from tests.sip.bot import write_samples

pytestmark = pytest.mark.unit


def test_files_follow_each_other_without_a_gap(tmp_path: Path) -> None:
    one, two = write_samples(tmp_path / "1.wav", [1] * 800), write_samples(tmp_path / "2.wav", [2] * 800)
    pcm = assemble([one, two], lead_in_s=0.1, rate_hz=8000)
    assert struct.unpack("<2400h", pcm.samples) == (0,) * 800 + (1,) * 800 + (2,) * 800


def test_equal_rates_are_kept_and_different_ones_are_resampled(tmp_path: Path) -> None:
    narrow = write_samples(tmp_path / "8.wav", [5] * 1600)
    wide = write_samples(tmp_path / "16.wav", [5] * 3200, 16000)
    assert assemble([wide], lead_in_s=0.0, rate_hz=8000).rate_hz == 16000
    mixed = assemble([narrow, wide], lead_in_s=0.0, rate_hz=8000)
    assert mixed.rate_hz == 8000
    assert mixed.duration_s == pytest.approx(0.4, abs=0.005)


def test_a_very_short_file_is_filled_with_silence_and_a_short_loop_is_repeated(tmp_path: Path) -> None:
    click = write_samples(tmp_path / "click.wav", [7] * 80)
    assert assemble([click], lead_in_s=0.0, rate_hz=8000).duration_s == pytest.approx(0.1)
    loop = assemble([click], lead_in_s=0.0, rate_hz=8000, is_loop=True)
    assert loop.duration_s == pytest.approx(0.1)
    assert set(struct.unpack(f"<{len(loop.samples) // 2}h", loop.samples)) == {7}


@pytest.mark.parametrize("rounds", [0, 1, 7])
def test_a_loop_begins_where_it_is_told_and_comes_round_to_it(tmp_path: Path, rounds: int) -> None:
    music = write_samples(tmp_path / "music.wav", list(range(1600)))
    loop = assemble([music], lead_in_s=0.0, rate_hz=8000, is_loop=True, from_s=0.15 + rounds * 0.2)
    assert struct.unpack("<1600h", loop.samples) == (*range(1200, 1600), *range(1200))


def test_written_wav_is_read_back(tmp_path: Path) -> None:
    path = write_samples(tmp_path / "a.wav", list(range(1000)))
    assert parse_wav(to_wav(read_wav(path)), "copy") == read_wav(path)


def test_a_streamed_wav_without_sizes_is_read_to_its_end(tmp_path: Path) -> None:
    raw = write_samples(tmp_path / "a.wav", [3] * 100).read_bytes()
    assert len(parse_wav(raw[:40] + b"\xff\xff\xff\xff" + raw[44:], "a").samples) == 200


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "not a WAV file"),
        (b"ID3 something else that is long enough", "not a WAV file"),
        (b"RIFF\0\0\0\0WAVE", "holds no audio"),
        (b"RIFF\0\0\0\0WAVEfmt \x04\0\0\0abcd", "damaged"),
        (b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 2, 44100, 0, 4, 16), "2 channel"),
        (b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<IHHIIHH", 16, 7, 1, 8000, 0, 1, 8), "8 bit"),
    ],
)
def test_unusable_files_are_named_with_a_remedy(raw: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(raw)
    with pytest.raises(MediaFailed, match=says) as failure:
        read_wav(path)
    assert "x.wav" in str(failure.value)


def test_missing_files_and_nothing_to_play_are_failures(tmp_path: Path) -> None:
    with pytest.raises(MediaFailed, match="cannot be read"):
        read_wav(tmp_path / "none.wav")
    with pytest.raises(MediaFailed, match="nothing to play"):
        assemble([write_samples(tmp_path / "empty.wav", [])], lead_in_s=1.0, rate_hz=8000)
    with pytest.raises(MediaFailed, match="no file given"):
        assemble([], lead_in_s=0.0, rate_hz=8000)
