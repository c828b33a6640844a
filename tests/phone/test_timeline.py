"""Two directions on one timeline."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from ivr.errors import MediaFailed
from ivr.phone.recording import StereoRecording
from ivr.phone.timeline import StereoTimeline

pytestmark = pytest.mark.unit

FRAME = 160


def frame(value: int) -> bytes:
    return np.full(FRAME, value, dtype="<i2").tobytes()


def channels(stereo: bytes) -> tuple[list[int], list[int]]:
    """The first sample of each frame, left and right."""
    both = np.frombuffer(stereo, dtype="<i2").reshape(-1, 2)
    return both[::FRAME, 0].tolist(), both[::FRAME, 1].tolist()


def test_what_is_sent_stands_beside_what_was_heard_then() -> None:
    timeline = StereoTimeline(8000)
    for tick in range(1, 11):
        timeline.hear(frame(tick))
        if 4 <= tick <= 6:
            timeline.send(frame(100 + tick))
    left, right = channels(timeline.take(is_end=True))
    assert right == list(range(1, 11))
    assert left == [0, 0, 0, 104, 105, 106, 0, 0, 0, 0]


def test_the_order_within_a_tick_moves_it_by_one_frame_at_most() -> None:
    timeline = StereoTimeline(8000)
    for tick in range(1, 11):
        if 4 <= tick <= 6:
            timeline.send(frame(100 + tick))
        timeline.hear(frame(tick))
    left, right = channels(timeline.take(is_end=True))
    assert right == list(range(1, 11))
    assert abs(left.index(104) - right.index(4)) <= 1
    assert [value for value in left if value] == [104, 105, 106]


def test_taking_in_pieces_gives_the_same_as_taking_at_the_end() -> None:
    whole, pieces = StereoTimeline(8000), StereoTimeline(8000)
    taken = b""
    for tick in range(1, 40):
        for timeline in (whole, pieces):
            timeline.hear(frame(tick))
            if tick % 10 > 5:
                timeline.send(frame(1000 + tick))
        taken += pieces.take()
    assert taken + pieces.take(is_end=True) == whole.take(is_end=True)


def test_a_gap_is_silence_on_both_sides() -> None:
    timeline = StereoTimeline(8000)
    timeline.hear(frame(1))
    timeline.reach(0.1)
    timeline.hear(frame(2))
    left, right = channels(timeline.take(is_end=True))
    assert right == [1, 0, 0, 0, 0, 2]
    assert left == [0] * 6
    assert timeline.duration_s == pytest.approx(0.12)


def test_sending_while_nothing_comes_in_keeps_the_length() -> None:
    timeline = StereoTimeline(8000)
    for _ in range(10):
        timeline.send(frame(7))
    timeline.hear(frame(1))
    left, right = channels(timeline.take(is_end=True))
    assert len(left) == len(right) == 10
    assert right[-1] == 1


def test_the_file_is_a_whole_wav_while_the_call_lasts(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    recording = StereoRecording(path, 8000)
    for tick in range(50):
        recording.add(frame(tick), is_heard=True)
    recording.flush()
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
        assert file.getnframes() == 48 * FRAME
    recording.close()
    recording.close()
    with wave.open(str(path)) as file:
        assert file.getnframes() == 50 * FRAME


def test_a_recording_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(MediaFailed, match="check the folder"):
        StereoRecording(tmp_path / "absent" / "call.wav", 8000)
