"""What workers have counted together, as they come and go."""

from __future__ import annotations

import pytest

from ivr.calls.admission import Counted
from ivr.supervisor.worker_counts import WorkerCounts

pytestmark = pytest.mark.unit


def test_what_workers_count_is_added_up_but_not_what_their_start_took() -> None:
    counts = WorkerCounts()
    counts.heard(0, Counted(0, 0, 2.5))
    counts.heard(1, Counted(10, 5, 3.0))
    assert counts.total == Counted()
    counts.heard(0, Counted(50, 1, 2.75))
    counts.heard(1, Counted(60, 6, 3.25))
    assert counts.total == Counted(100, 2, 0.5)


def test_a_successor_in_the_same_slot_begins_anew() -> None:
    counts = WorkerCounts()
    counts.heard(0, Counted(100, 50, 9.0))
    counts.ended(0)
    counts.ended(0)
    counts.heard(0, Counted(20, 1, 1.0))
    counts.heard(0, Counted(30, 2, 1.5))
    assert counts.total == Counted(10, 1, 0.5)


def test_the_total_never_shrinks() -> None:
    counts = WorkerCounts()
    counts.heard(0, Counted(100, 50, 9.0))
    counts.heard(0, Counted(20, 1, 1.0))
    assert counts.total == Counted()
