"""An agent's page, and agents and queues on the wallboard."""

from __future__ import annotations

import httpx
import pytest

from ivr.acd.agent import AgentState
from ivr.acd.queue import WaitingCall
from ivr.errors import StorageError
from tests.web.desks import Browser, TestDesk, csrf_of, logged_in

pytestmark = pytest.mark.adapter

EVIL = "<script>alert(1)</script>"


def wish(browser: Browser, wish: str, reason: str = "") -> httpx.Response:
    fields = {"csrf": csrf_of(browser.get("/agent")), "wish": wish, "reason": reason}
    return browser.post("/agent/state", fields)


@pytest.fixture
def anna(desk: TestDesk) -> Browser:
    """The browser of an agent who takes calls."""
    desk.queues.add_agent("anna", "sip:anna@pbx", {})
    return logged_in(desk, "anna")


def state_of(desk: TestDesk) -> AgentState:
    return desk.queues.scene().agents[0].state


def waiting(desk: TestDesk, call_id: str = "call-1") -> None:
    at = desk.clock.at
    assert desk.queues.enter(WaitingCall(call_id, "sales", "host/1", at, at), at) == "sales"


def test_an_agent_takes_calls_pauses_with_a_reason_and_ends_work(desk: TestDesk, anna: Browser) -> None:
    assert '<dd id="state" class="word">logged out</dd>' in anna.get("/agent").text
    for wished, reason, state in (
        ("available", "ignored", AgentState.AVAILABLE),
        ("paused", "Lunch", AgentState.PAUSED),
        ("available", "", AgentState.AVAILABLE),
        ("logged_out", "", AgentState.LOGGED_OUT),
        ("logged_out", "", AgentState.LOGGED_OUT),
    ):
        done = wish(anna, wished, reason)
        assert (done.status_code, done.headers["location"]) == (303, "/agent")
        assert state_of(desk) is state
        assert desk.queues.scene().agents[0].reason == ("Lunch" if state is AgentState.PAUSED else "")


def test_what_the_state_does_not_allow_is_said_and_changes_nothing(desk: TestDesk, anna: Browser) -> None:
    refused = wish(anna, "paused", "Lunch")
    assert refused.status_code == 409 and "That is not possible at this moment." in refused.text
    assert state_of(desk) is AgentState.LOGGED_OUT
    assert wish(anna, "on_call").status_code == 413
    assert wish(anna, "paused", "a" * 61).status_code == 413


def test_nobody_changes_the_state_of_somebody_else(desk: TestDesk, anna: Browser) -> None:
    browser = logged_in(desk, "sven")
    assert "ivr agents add sven" in browser.get("/agent").text
    csrf = csrf_of(browser.get("/agent"))
    assert browser.post("/agent/state", {"csrf": csrf, "wish": "available", "name": "anna"}).status_code == 409
    assert anna.post("/agent/state", {"csrf": csrf, "wish": "available"}).status_code == 403
    assert state_of(desk) is AgentState.LOGGED_OUT


def test_who_waits_is_seen_by_agents_without_the_way_to_the_record(desk: TestDesk, anna: Browser) -> None:
    waiting(desk)
    desk.clock.advance(seconds=75)
    page = anna.get("/agent").text
    assert "sales" in page and "1:15" in page and "/calls/" not in page
    assert 'href="/calls/call-1">1:15' in logged_in(desk).get("/wallboard").text


def test_reasons_are_text(desk: TestDesk, anna: Browser) -> None:
    wish(anna, "available")
    wish(anna, "paused", EVIL)
    for browser, path in ((anna, "/agent"), (logged_in(desk), "/wallboard")):
        page = browser.get(path).text
        assert "&lt;script&gt;alert(1)" in page and EVIL not in page


def test_the_page_is_german_for_those_who_wish(desk: TestDesk) -> None:
    desk.queues.add_agent("anna", "sip:anna@pbx", {})
    page = logged_in(desk, "anna", accept_language="de").get("/agent").text
    assert "Anrufe annehmen" in page and '<dd id="state" class="word">abgemeldet</dd>' in page


def test_queues_that_cannot_be_read_are_named(desk: TestDesk, anna: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise StorageError("the database is away")

    monkeypatch.setattr(desk.queues, "scene", away)
    assert "The queues cannot be read" in anna.get("/agent").text
    assert "The queues cannot be read" in logged_in(desk).get("/wallboard").text
