"""`ivr status` as people read it."""

from __future__ import annotations

import pytest

from ivr.cli.status import _show

pytestmark = pytest.mark.unit


def test_other_nodes_are_shown_with_whether_they_are_heard(capsys: pytest.CaptureFixture[str]) -> None:
    nodes = [
        {"node": "10.0.0.2", "is_heard": True, "workers": 2},
        {"node": "10.0.0.3", "is_heard": False, "workers": 0},
    ]
    answer: dict[str, object] = {"workers": [], "calls": 0, "capacity": 8, "since": "now"}
    answer |= {"front": {"nodes": nodes}, "admission": {"is_closed": False}}
    _show(answer)
    shown = capsys.readouterr().out
    assert "node 10.0.0.2: heard; workers that take calls: 2\n" in shown
    assert "node 10.0.0.3: not heard\n" in shown
