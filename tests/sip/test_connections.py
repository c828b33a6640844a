from __future__ import annotations

import pytest

from ivr.sip.connections import IDLE_LIMIT_S, SILENT_LIMIT_S, Connections, Places, Surplus

pytestmark = pytest.mark.unit


def opened(
    connections: Connections, number: int, at_s: float, *, in_use: set[int] | None = None, busy: set[int] | None = None
) -> Surplus | None:
    """Open one; nothing is in use or busy unless given."""
    return connections.opened(number, at_s, in_use=in_use or set(), is_busy=(busy or set()).__contains__)


def test_the_longest_quiet_makes_room() -> None:
    connections = Connections(limit=2)
    assert opened(connections, 1, 0.0) is None
    assert opened(connections, 2, 1.0) is None
    connections.heard(1, 1.5)
    assert opened(connections, 3, 2.0) == Surplus(2)


def test_one_that_carries_a_call_stays() -> None:
    connections = Connections(limit=2)
    opened(connections, 1, 0.0)
    opened(connections, 2, 1.0)
    assert opened(connections, 3, 2.0, in_use={1}) == Surplus(2)


def test_the_newest_stays_although_all_others_have_spoken() -> None:
    connections = Connections(limit=2)
    for number in (1, 2):
        opened(connections, number, 0.0)
        connections.heard(number, 1.0 + number)
    assert opened(connections, 3, 4.0) == Surplus(1)


def test_one_with_nothing_under_way_goes_before_a_quieter_one_that_is_busy() -> None:
    connections = Connections(limit=2)
    opened(connections, 1, 0.0)
    opened(connections, 2, 1.0)
    assert opened(connections, 3, 2.0, busy={1}) == Surplus(2)


def test_where_all_are_busy_the_quietest_is_told_to_go_and_the_newest_closed() -> None:
    connections = Connections(limit=2)
    opened(connections, 1, 0.0)
    opened(connections, 2, 1.0)
    assert opened(connections, 3, 2.0, busy={1, 2}) == Surplus(3, told_to_go=1)
    assert opened(connections, 4, 3.0, busy={1, 2}) == Surplus(4, told_to_go=2)
    assert opened(connections, 5, 4.0, busy={1, 2}) == Surplus(5, told_to_go=None)
    for gone in (1, 3, 4, 5):
        connections.closed(gone)
    assert opened(connections, 6, 5.0, busy={2}) is None


def test_where_all_carry_calls_the_newest_is_closed() -> None:
    connections = Connections(limit=1)
    opened(connections, 1, 0.0)
    assert opened(connections, 2, 1.0, in_use={1}) == Surplus(2)


def test_one_that_never_spoke_is_overdue_soon_and_one_that_spoke_late() -> None:
    connections = Connections()
    opened(connections, 1, 0.0)
    opened(connections, 2, 0.0)
    connections.heard(2, 1.0)
    assert connections.overdue(SILENT_LIMIT_S - 0.1, set()) == []
    assert connections.overdue(SILENT_LIMIT_S, {1}) == []
    assert connections.overdue(SILENT_LIMIT_S, set()) == [1]
    assert connections.overdue(SILENT_LIMIT_S, set()) == []  # it has been told
    assert connections.overdue(1.0 + IDLE_LIMIT_S, set()) == [2]


def test_what_is_closed_or_was_never_opened_does_not_count() -> None:
    connections = Connections(limit=1)
    connections.heard(7, 1.0)
    opened(connections, 1, 0.0)
    connections.closed(1)
    connections.closed(1)
    assert len(connections) == 0
    assert opened(connections, 2, 1.0) is None


def test_places_are_full_until_some_have_rested() -> None:
    places = Places(3)
    places.take(2, 0.0)
    assert not places.are_full(0.1)
    places.take(1, 0.3)
    assert places.are_full(0.5)
    assert not places.are_full(0.7)
