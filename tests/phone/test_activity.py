"""When the other side has finished speaking."""

from __future__ import annotations

import numpy as np
import pytest

from ivr.phone.activity import SILENCE_DBFS, Listener, Manners, level_dbfs

pytestmark = pytest.mark.unit

LOUD, QUIET = -20.0, -70.0


def hear(listener: Listener, level: float, duration_s: float) -> None:
    for _ in range(round(duration_s / 0.02)):
        listener.hear(level)


def test_our_turn_comes_after_the_pause_behind_speech() -> None:
    listener = Listener()
    hear(listener, QUIET, 0.3)
    hear(listener, LOUD, 2.0)
    hear(listener, QUIET, 0.66)
    assert not listener.has_finished
    hear(listener, QUIET, 0.06)
    assert listener.has_finished


def test_a_pause_between_sentences_is_not_the_end() -> None:
    listener = Listener()
    for _ in range(5):
        hear(listener, LOUD, 1.0)
        hear(listener, QUIET, 0.5)
        assert not listener.has_finished


def test_a_silent_side_is_waited_for_three_seconds() -> None:
    listener = Listener()
    hear(listener, QUIET, 2.96)
    assert not listener.has_finished
    hear(listener, QUIET, 0.06)
    assert listener.has_finished


def test_a_click_is_not_speech() -> None:
    listener = Listener()
    hear(listener, LOUD, 0.04)
    hear(listener, QUIET, 1.0)
    assert not listener.has_finished


def test_who_begins_just_before_the_limit_is_heard_out() -> None:
    listener = Listener()
    hear(listener, QUIET, 2.96)
    hear(listener, LOUD, 0.5)
    assert not listener.has_finished


def test_music_is_interrupted_when_patience_ends() -> None:
    listener = Listener(Manners(patience_s=5.0))
    hear(listener, LOUD, 4.9)
    assert not listener.has_finished
    hear(listener, LOUD, 0.2)
    assert listener.has_finished


def test_after_an_act_the_answer_is_waited_for() -> None:
    listener = Listener()
    hear(listener, LOUD, 1.0)
    hear(listener, QUIET, 1.0)
    listener.restart()
    hear(listener, QUIET, 1.0)
    assert not listener.has_finished


def test_level_of_a_full_scale_square_is_zero_and_of_nothing_the_floor() -> None:
    square = np.tile(np.array([32767, -32768], dtype="<i2"), 80).tobytes()
    assert level_dbfs(square) == pytest.approx(0.0, abs=0.01)
    assert level_dbfs(bytes(320)) == level_dbfs(b"") == SILENCE_DBFS
