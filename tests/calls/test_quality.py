"""The E-model: figures of the recommendation, and of its equations worked out by hand."""

from __future__ import annotations

import pytest

from ivr.calls.quality import mos, mos_of_rating, quality_of
from ivr.ports import RtpStats

pytestmark = pytest.mark.unit


def test_a_perfect_line_is_as_good_as_a_telephone_gets() -> None:
    assert mos(0.0, 0.0) == pytest.approx(4.41, abs=0.01)  # G.107: R = 93.2 is a MOS of 4.41


@pytest.mark.parametrize(("rating", "expected"), [(90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58)])
def test_ratings_become_the_scores_of_the_recommendation(rating: float, expected: float) -> None:
    assert mos_of_rating(rating) == pytest.approx(expected, abs=0.01)  # G.107 table B.1, whose ratings are rounded


@pytest.mark.parametrize(
    ("loss_ratio", "delay_ms", "expected"),
    [(0.0, 150, 4.33), (0.01, 20, 4.32), (0.05, 20, 3.90), (0.2, 20, 2.61), (0.0, 400, 3.05), (1.0, 20, 1.16)],
)
def test_loss_and_delay_make_it_worse(loss_ratio: float, delay_ms: float, expected: float) -> None:
    assert mos(loss_ratio, delay_ms) == pytest.approx(expected, abs=0.01)


def test_no_score_is_out_of_its_range() -> None:
    scores = [mos(loss / 50, delay_ms) for loss in range(51) for delay_ms in range(0, 5000, 50)]
    assert all(1.0 <= score <= 4.5 for score in scores)


def test_what_the_library_counted_becomes_a_score() -> None:
    quality = quality_of(RtpStats(sent=1000, received=990, lost=10, jitter_ms=2.0, round_trip_ms=40.0))
    assert quality is not None
    assert quality.loss_ratio == 0.01
    assert quality.mos == pytest.approx(mos(0.01, 44.0))


@pytest.mark.parametrize("lost", [0, 50])
def test_without_a_packet_there_is_nothing_to_judge(lost: int) -> None:
    assert quality_of(RtpStats(sent=100, received=0, lost=lost, jitter_ms=0.0)) is None


def test_audio_that_was_negotiated_anew_counts_with_what_was_before() -> None:
    before, after = RtpStats(100, 100, 1, 1.0, 30.0), RtpStats(300, 300, 0, 5.0)
    assert before.plus(after) == RtpStats(400, 400, 1, 4.0, 30.0)
    assert RtpStats(10, 0, 0, 0.0).plus(RtpStats(10, 0, 0, 0.0)) == RtpStats(20, 0, 0, 0.0)
