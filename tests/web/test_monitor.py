"""Buttons with which a supervisor takes part in a talk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ivr.calls.monitoring import MonitorWish, Participation
from ivr.ports import CallEnded, CallStarted, EndReason
from tests.web.desks import TestDesk, csrf_of, logged_in, made_desk

pytestmark = pytest.mark.unit


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TestDesk]:
    with made_desk(tmp_path) as made:
        made.desk = replace(made.desk, may_monitor=True)
        made.queues.add_agent("sven", "sip:sven@pbx", {})
        assert made.bot.told is not None
        made.bot.told = replace(made.bot.told, talks=frozenset({"c1"}))
        for call_id in ("c1", "c2"):
            made.write(CallStarted(call_id, made.clock.at, "+4930111", "100", "", "demo", "", "x", "w1"))
        yield made


def _ask(desk: TestDesk, name: str = "sven", how: str = "whisper", call_id: str = "c1") -> tuple[int, str]:
    browser = logged_in(desk, name)
    csrf = csrf_of(browser.get("/agent" if name == "anna" else "/calls/c1"))
    answer = browser.post(f"/calls/{call_id}/monitor", {"csrf": csrf, "how": how})
    return answer.status_code, answer.text


def test_a_supervisors_own_telephone_is_called(desk: TestDesk) -> None:
    status, page = _ask(desk)
    assert status == 200 and "You take part in the talk: whisper" in page
    assert desk.bot.monitored == [("c1", MonitorWish("sven", "sip:sven@pbx", Participation.WHISPER))]


def test_while_it_rings_that_is_said(desk: TestDesk) -> None:
    desk.bot.says = None
    status, page = _ask(desk)
    assert status == 200 and "Your telephone rings." in page


def test_why_not_is_said_and_escaped(desk: TestDesk) -> None:
    desk.bot.says = "486 <b>"
    status, page = _ask(desk)
    assert status == 409 and "486 &lt;b&gt;" in page


def test_without_a_telephone_it_is_said_how_one_is_made_known(desk: TestDesk) -> None:
    status, page = _ask(desk, "olga")
    assert status == 409 and "ivr agents add olga" in page and not desk.bot.monitored


@pytest.mark.parametrize(
    ("name", "how", "call_id", "status"),
    [("anna", "listen", "c1", 403), ("sven", "record", "c1", 413), ("sven", "listen", "c" * 65, 413)],
    ids=["an agent", "another way", "no call id"],
)
def test_what_may_not_be_is_refused(desk: TestDesk, name: str, how: str, call_id: str, status: int) -> None:
    assert _ask(desk, name, how, call_id)[0] == status
    assert not desk.bot.monitored


def test_a_form_of_another_site_is_refused(desk: TestDesk) -> None:
    assert logged_in(desk).post("/calls/c1/monitor", {"csrf": "0" * 64, "how": "listen"}).status_code == 403
    assert not desk.bot.monitored


def test_the_wallboard_has_buttons_for_each_running_talk_and_no_other_call(desk: TestDesk) -> None:
    page = logged_in(desk).get("/wallboard").text
    assert page.count("/calls/c1/monitor") == 1 and "/calls/c2/monitor" not in page
    assert [page.count(f'name="how" value="{how}"') for how in Participation] == [1, 1, 1]


def test_a_call_that_is_over_has_no_buttons(desk: TestDesk) -> None:
    desk.write(CallEnded("c1", None, desk.clock.at, EndReason.CALLER_HUNG_UP, "caller", 200, None))
    assert "/monitor" not in logged_in(desk).get("/calls/c1").text


def test_where_it_is_not_allowed_there_are_none(desk: TestDesk) -> None:
    desk.desk = replace(desk.desk, may_monitor=False)
    browser = logged_in(desk)
    assert "/monitor" not in browser.get("/wallboard").text + browser.get("/calls/c1").text
    csrf = csrf_of(browser.get("/agent"))
    assert browser.post("/calls/c1/monitor", {"csrf": csrf, "how": "listen"}).status_code == 404
