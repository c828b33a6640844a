"""Callers whom the PBX sends back after a blind transfer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ivr.calls.returning import RETURN_WINDOW_S, Referred, is_returning, match_returning
from ivr.flow.loader import load_flow

pytestmark = pytest.mark.unit

FLOW = load_flow(
    """
flow: shop
language: en-US
start: call
steps:
  call: {transfer: {to: agent, mode: refer}, busy: is_busy, no_answer: repeat, failed: went_wrong}
  other: {transfer: {to: agent, mode: refer}}
  is_busy: {say: "Busy."}
  went_wrong: {say: "Wrong."}
""",
    "shop.yaml",
).flow
PBX = "192.0.2.1:5060"
SENT = Referred("+4930", PBX, FLOW, "call", {"pin": "1", "call": {}}, frozenset({"pin"}), "de-DE", at_s=100.0)


def came_back(
    result: str, sent: Referred = SENT, ani: str = "+4930", now_s: float = 120.0, remote: str = PBX
) -> str | None:
    found = match_returning(ani, remote, {"X-Transfer-Result": result}, [sent], now_s)
    return None if found is None else found[1].resume_at


def test_header_tells() -> None:
    assert is_returning({"X-Transfer-Result": "BUSY"}) and not is_returning({})


@pytest.mark.parametrize(
    ("result", "step"),
    [
        ("BUSY", "is_busy"),
        ("busy", "is_busy"),
        ("NOANSWER", "call"),
        ("CHANUNAVAIL", "went_wrong"),
        ("CONGESTION", "went_wrong"),
        ("DONTCALL", "went_wrong"),
        ("INVALIDARGS", "went_wrong"),
        ("SOMETHING", "went_wrong"),
        ("", "went_wrong"),
    ],
)
def test_the_call_goes_on_at_the_exit(result: str, step: str) -> None:
    assert came_back(result) == step


def test_what_the_flow_had_learned_comes_along() -> None:
    found = match_returning("+4930", PBX, {"X-Transfer-Result": "BUSY"}, [SENT], 120.0)
    assert found is not None and found[0] is SENT
    back = found[1]
    assert dict(back.variables) == {"pin": "1"} and back.sensitive == {"pin"}
    assert (back.language, back.result) == ("de-DE", "busy")


def test_only_the_host_that_took_the_caller_brings_him_back() -> None:
    assert came_back("BUSY", remote="192.0.2.1:40123") == "is_busy"
    assert came_back("BUSY", remote="192.0.2.2:5060") is None
    assert came_back("BUSY", replace(SENT, remote="[2001:db8::1]:5060"), remote="[2001:db8::1]:5062") == "is_busy"


def test_strangers_and_those_who_took_too_long_begin_anew() -> None:
    assert came_back("BUSY", ani="+4931") is None
    assert came_back("BUSY", now_s=100.0 + RETURN_WINDOW_S + 1) is None
    assert came_back("BUSY", replace(SENT, step="is_busy")) is None
    assert came_back("BUSY", replace(SENT, step="gone")) is None


def test_a_transfer_without_an_exit_begins_anew() -> None:
    assert came_back("BUSY", replace(SENT, step="other")) is None
