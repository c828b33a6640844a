from __future__ import annotations

import pytest

from ivr.ports import LegId
from ivr.sip import codes
from ivr.sip.half_open import REMEMBERED_S, WANTED_LIMIT_S, HalfOpen, HalfOpenLimit, overdue

pytestmark = pytest.mark.unit

LIMIT = 2
STRANGER, OTHER = "192.0.2.66", "192.0.2.1"


def half_open(*sources: str) -> list[HalfOpen]:
    return [HalfOpen(LegId(f"leg-{number}"), source, 0.0) for number, source in enumerate(sources)]


def refusal(limit: HalfOpenLimit, source: str, legs: list[HalfOpen], *, now_s: float = 0.0) -> int | None:
    """For a leg that is among those given."""
    return limit.refusal(source, legs, len(legs), callers_limit=4, now_s=now_s)


def test_one_source_has_no_more_half_open_calls_than_its_limit() -> None:
    limit = HalfOpenLimit(LIMIT)
    assert refusal(limit, STRANGER, half_open(STRANGER, STRANGER)) is None
    assert refusal(limit, STRANGER, half_open(STRANGER, STRANGER, STRANGER)) == codes.BUSY_HERE
    assert refusal(limit, OTHER, half_open(STRANGER, STRANGER, OTHER)) is None


def test_calls_that_were_never_acknowledged_count_for_a_while_after_their_end() -> None:
    limit = HalfOpenLimit(LIMIT)
    limit.left(STRANGER, 10.0)
    limit.left(STRANGER, 12.0)
    assert refusal(limit, STRANGER, half_open(STRANGER), now_s=12.0) == codes.BUSY_HERE
    assert refusal(limit, OTHER, half_open(OTHER), now_s=12.0) is None
    assert refusal(limit, STRANGER, half_open(STRANGER), now_s=10.0 + REMEMBERED_S) is None


def test_known_peers_have_no_limit_but_that_of_all_callers() -> None:
    limit = HalfOpenLimit(LIMIT)
    limit.left("", 0.0)
    assert refusal(limit, "", half_open("", "", "", "")) is None
    assert refusal(limit, "", half_open("", "", "", "", "")) == codes.BUSY_HERE


def test_only_answered_calls_that_wait_for_long_make_room() -> None:
    legs = [
        HalfOpen(LegId("rings"), STRANGER, None),
        HalfOpen(LegId("new"), STRANGER, 10.0),
        HalfOpen(LegId("old"), STRANGER, 9.0),
        HalfOpen(LegId("going"), STRANGER, 1.0, is_leaving=True),
    ]
    assert overdue(legs, 9.0 + WANTED_LIMIT_S) == ["old"]
