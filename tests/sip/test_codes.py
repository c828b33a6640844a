from __future__ import annotations

import pytest

from ivr.sip import codes

pytestmark = pytest.mark.unit


def test_reason_header_carries_cause_and_text() -> None:
    assert codes.reason_header_value(17) == 'Q.850;cause=17;text="User busy"'
    assert codes.reason_header_value(99) == "Q.850;cause=99"


def test_an_absent_registrar_is_asked_again_at_the_same_interval() -> None:
    assert [codes.retry_delay_s(503, failures, 10.0) for failures in (1, 2, 30)] == [10.0, 10.0, 10.0]


def test_refused_credentials_are_tried_ever_more_rarely() -> None:
    assert [codes.retry_delay_s(403, failures, 10.0) for failures in (1, 2, 3, 30)] == [10.0, 20.0, 40.0, 300.0]


def test_the_longest_interval_never_shortens_the_configured_one() -> None:
    assert codes.retry_delay_s(401, 5, 600.0) == 600.0
