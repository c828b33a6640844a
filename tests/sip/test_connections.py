from __future__ import annotations

import pytest

from ivr.sip.connections import IDLE_LIMIT_S, SILENT_LIMIT_S, Connections

pytestmark = pytest.mark.unit


def test_the_longest_quiet_makes_room_and_one_that_carries_a_call_does_not() -> None:
    connections = Connections(limit=2)
    for number, at_s in ((1, 0.0), (2, 1.0), (3, 2.0)):
        connections.opened(number, at_s)
    connections.heard(1, 3.0)
    assert connections.surplus(frozenset()) == [2]
    assert connections.surplus({2}) == [3]
    assert connections.surplus({1, 2, 3}) == []


def test_the_newest_stays_although_all_others_have_spoken() -> None:
    connections = Connections(limit=2)
    for number in (1, 2):
        connections.opened(number, 0.0)
        connections.heard(number, 1.0 + number)
    connections.opened(3, 4.0)
    assert connections.surplus(frozenset()) == [1]


def test_one_that_never_spoke_is_overdue_soon_and_one_that_spoke_late() -> None:
    connections = Connections()
    connections.opened(1, 0.0)
    connections.opened(2, 0.0)
    connections.heard(2, 1.0)
    assert connections.overdue(SILENT_LIMIT_S - 0.1, frozenset()) == []
    assert connections.overdue(SILENT_LIMIT_S, frozenset()) == [1]
    assert connections.overdue(1.0 + IDLE_LIMIT_S, frozenset()) == [1, 2]
    assert connections.overdue(1.0 + IDLE_LIMIT_S, {1, 2}) == []


def test_what_is_closed_or_was_never_opened_does_not_count() -> None:
    connections = Connections(limit=0)
    connections.heard(7, 1.0)
    connections.opened(1, 0.0)
    connections.closed(1)
    connections.closed(1)
    assert len(connections) == 0
    assert connections.surplus(frozenset()) == []
