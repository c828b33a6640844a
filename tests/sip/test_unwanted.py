from __future__ import annotations

import pytest

from ivr.sip.unwanted import refusal_for

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("method", "sip_status"), [("BYE", 481), ("INFO", 481), ("REGISTER", 501), ("DANCE", 501), ("", 501), ("ACK", None)]
)
def test_requests_outside_of_calls_are_refused_and_an_ack_is_not_answered(method: str, sip_status: int | None) -> None:
    assert refusal_for(method) == sip_status
