"""How often somebody may try to log in."""

from __future__ import annotations

import pytest

from ivr.web.limits import PER_NAME, PER_PAIR, PER_SOURCE, WINDOW_S, LoginLimit

pytestmark = pytest.mark.unit


def failed(limit: LoginLimit, name: str, source: str, times: int, now_s: float = 0.0) -> None:
    for _ in range(times):
        assert limit.wait_s(name, source, now_s) == 0.0
        limit.failed(name, source, now_s)


def test_a_name_from_one_place_is_refused_after_five_failures_until_the_oldest_is_forgotten() -> None:
    limit = LoginLimit()
    failed(limit, "anna", "10.0.0.1", PER_PAIR)
    assert limit.wait_s("anna", "10.0.0.1", 60.0) == WINDOW_S - 60.0
    assert limit.wait_s("anna", "10.0.0.2", 60.0) == 0.0
    assert limit.wait_s("otto", "10.0.0.1", 60.0) == 0.0
    assert limit.wait_s("anna", "10.0.0.1", WINDOW_S) == 0.0


def test_one_place_that_tries_many_names_is_refused() -> None:
    limit = LoginLimit()
    for number in range(PER_SOURCE):
        failed(limit, f"name{number}", "10.0.0.1", 1)
    assert limit.wait_s("anna", "10.0.0.1", 1.0) > 0
    assert limit.wait_s("anna", "10.0.0.2", 1.0) == 0.0


def test_many_places_that_try_one_name_are_refused() -> None:
    limit = LoginLimit()
    for number in range(PER_NAME):
        failed(limit, "anna", f"10.0.0.{number}", 1)
    assert limit.wait_s("anna", "10.1.0.1", 1.0) > 0
    assert limit.wait_s("otto", "10.1.0.1", 1.0) == 0.0


def test_who_knows_the_password_has_all_tries_again() -> None:
    limit = LoginLimit()
    failed(limit, "anna", "10.0.0.1", PER_PAIR - 1)
    limit.succeeded("anna", "10.0.0.1")
    failed(limit, "anna", "10.0.0.1", PER_PAIR)


def test_what_is_over_is_forgotten() -> None:
    limit = LoginLimit()
    failed(limit, "anna", "10.0.0.1", 1)
    assert not limit.is_empty(WINDOW_S - 1)
    assert limit.is_empty(WINDOW_S)
