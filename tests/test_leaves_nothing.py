"""The watch over what tests leave behind, itself."""

from __future__ import annotations

import socket
import threading

import pytest

from tests import conftest

pytestmark = pytest.mark.unit


def test_a_thread_and_a_socket_that_stay_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conftest, "GRACE_S", 0.05)
    before, leave = conftest._open_things(), threading.Event()
    thread = threading.Thread(target=leave.wait, name="straggler")
    thread.start()
    with socket.socket():
        left = conftest._left_since(before)
    leave.set()
    thread.join()
    assert any("straggler" in thing for thing in left)
    assert any("socket:" in thing for thing in left)
    assert conftest._left_since(before) == set()


@pytest.mark.leaves("to see that the way out works")
def test_the_way_out() -> None:
    assert True
