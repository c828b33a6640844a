"""What the front counted, as metrics have it."""

from __future__ import annotations

import pytest

from ivr.ports import metrics
from ivr.supervisor.figures import front_snapshot

pytestmark = pytest.mark.unit


def test_a_node_that_is_not_heard_is_told_also_while_the_front_is_away() -> None:
    nodes = [
        {"node": "10.0.0.2", "is_heard": True, "workers": 2},
        {"node": "10.0.0.3", "is_heard": False, "workers": 0},
    ]
    snapshot = front_snapshot({"is_up": False, "problem": "away", "nodes": nodes})
    assert snapshot == {
        metrics.FRONT_UP.name: [([], [0.0])],
        metrics.FRONT_NODES.name: [(["10.0.0.2"], [1.0]), (["10.0.0.3"], [0.0])],
    }


def test_a_bot_without_other_nodes_tells_nothing_of_any() -> None:
    assert metrics.FRONT_NODES.name not in front_snapshot({"is_up": True, "nodes": []})
