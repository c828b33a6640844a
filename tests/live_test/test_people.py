"""The people behind the targets: what becomes of each call to one of them."""

from __future__ import annotations

import asyncio

import pytest

from ivr.live_test.people import People, uri_of
from ivr.rehearsal.model import Mock
from ivr.rehearsal.world import Handover

pytestmark = pytest.mark.unit


def outcomes(transfers: list[Handover], *names: str, decided: str = "") -> list[str]:
    """What becomes of calls to these targets, one after the other."""

    async def take() -> list[str]:
        people = People(transfers)
        if decided:
            people.decided.put_nowait(decided)
        return [(await people.outcome_for(name))[0] for name in names]

    return asyncio.run(take())


def test_each_transfer_has_its_own_outcome_and_the_last_repeats() -> None:
    transfers = [Handover(("a",), Mock(outcome="busy")), Handover(("a",), Mock(outcome="no_answer"))]
    assert outcomes(transfers, "a", "a", "a") == ["busy", "no_answer", "no_answer"]


def test_all_whom_a_transfer_calls_fail_as_it_fails() -> None:
    transfers = [Handover(("a", "b"), Mock(outcome="busy")), Handover(("b",), Mock(outcome="connected"))]
    assert outcomes(transfers, "a", "b", "b") == ["busy", "busy", "connected"]
    assert outcomes([Handover(("a", "b"), None)], "a", "b", decided="refused") == ["refused", "refused"]


def test_who_does_not_take_the_call_is_busy() -> None:
    transfers = [Handover(("a", "b"), Mock(outcome="connected", target="b")), Handover(("a",), Mock(outcome="busy"))]
    assert outcomes(transfers, "a", "b", "a") == ["busy", "connected", "busy"]


def test_a_target_is_called_by_its_name() -> None:
    assert uri_of("on duty", "sip:person@127.0.0.1:5070") == "sip:on%20duty@127.0.0.1:5070"
