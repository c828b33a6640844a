"""An agent's page, and agents and queues on the wallboard."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
import pytest

from ivr.acd.agent import Act, AgentState
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


def waiting(desk: TestDesk, context: Mapping[str, object] | None = None) -> None:
    at = desk.clock.at
    assert desk.queues.enter(WaitingCall("call-1", "sales", "host/1", at, at, context=context or {}), at) == "sales"


def ringing(desk: TestDesk, browser: Browser, **context: object) -> str:
    """A call that has waited for 75 s rings at anna; the offer."""
    wish(browser, "available")
    waiting(desk, context)
    desk.clock.advance(seconds=75)
    (ring,) = desk.queues.tick("host/1", desk.clock.at)
    return ring.offer_id


def wrapping_up(desk: TestDesk, browser: Browser, **context: object) -> None:
    """After a talk of 130 s."""
    assert desk.queues.connect(ringing(desk, browser, **context), desk.clock.at)
    desk.clock.advance(seconds=130)
    desk.queues.end("call-1", desk.clock.at)


def note(browser: Browser, **said: str) -> httpx.Response:
    fields = {"csrf": csrf_of(browser.get("/agent")), "talk": "anna#1"}
    return browser.post("/agent/talk", fields | said)


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


TOLD: dict[str, object] = {
    "caller": "+493012345",
    "flow": "support",
    "language": "de-DE",
    "answers": {"order_number": "4711", "urgent": True, "pin": "***"},
}


def test_a_call_that_rings_is_shown_with_what_is_known_of_the_caller(desk: TestDesk, anna: Browser) -> None:
    ringing(desk, anna, **TOLD)
    desk.clock.advance(seconds=3)
    page = anna.get("/agent").text
    assert "<title>☎ A call for you · My desk · ivr</title>" in page
    for part in ("+493012345", "support", "Deutsch", "1:15", "0:03", "order number", "4711", "urgent", "true", "***"):
        assert part in page, part
    german = logged_in(desk, "anna", accept_language="de").get("/agent").text
    assert "Ein Anruf für Sie" in german and "Gefragt und geantwortet" in german


def test_nobody_else_is_told_of_the_caller(desk: TestDesk, anna: Browser) -> None:
    ringing(desk, anna, **TOLD)
    for name in ("sven", "olga"):
        assert "+493012345" not in logged_in(desk, name).get("/agent").text


def test_the_call_stays_during_the_talk_and_in_the_wrap_up(desk: TestDesk, anna: Browser) -> None:
    assert desk.queues.connect(ringing(desk, anna, **TOLD), desk.clock.at)
    desk.clock.advance(seconds=130)
    page = anna.get("/agent").text
    assert "You are talking" in page and "2:10" in page and "4711" in page and 'name="note"' not in page
    desk.queues.end("call-1", desk.clock.at)
    desk.clock.advance(seconds=10)
    page = anna.get("/agent").text
    assert "Work after the call" in page and "4711" in page and "2:10" in page
    assert ">0:20</time>" in page, "until the next call"
    assert '<option value="call_again">call again</option>' in page
    desk.clock.advance(seconds=21)
    page = anna.get("/agent").text
    assert "4711" not in page and 'name="note"' not in page


def test_disposition_and_note_are_kept_and_the_agent_goes_on(desk: TestDesk, anna: Browser) -> None:
    wrapping_up(desk, anna)
    assert note(anna, disposition="call_again", note=f"tomorrow\r\n{EVIL}").status_code == 303
    (talk,) = desk.queues.floor.talks
    assert (talk.disposition, talk.note) == ("call_again", f"tomorrow\n{EVIL}")
    page = anna.get("/agent").text
    assert '<option value="call_again" selected>' in page and "Saved." in page
    assert "tomorrow\n&lt;script&gt;" in page and EVIL not in page
    assert state_of(desk) is AgentState.WRAP_UP
    assert note(anna, disposition="solved", note="done", then="ready").status_code == 303
    assert (state_of(desk), desk.queues.floor.talks[0].note) == (AgentState.AVAILABLE, "done")


def test_what_is_written_until_after_the_wrap_up_is_kept_too(desk: TestDesk, anna: Browser) -> None:
    wrapping_up(desk, anna)
    desk.clock.advance(seconds=300)
    assert note(anna, note="late").status_code == 303
    assert desk.queues.floor.talks[0].note == "late"
    desk.clock.advance(seconds=3600)
    refused = note(anna, note="too late")
    assert refused.status_code == 409 and "That was not kept" in refused.text
    assert desk.queues.floor.talks[0].note == "late"


def test_nobody_notes_what_is_not_allowed(desk: TestDesk, anna: Browser) -> None:
    wrapping_up(desk, anna)
    for said in ({"disposition": EVIL}, {"note": "a" * 1001}, {"talk": "anna#2"}):
        assert note(anna, **said).status_code == 409
    assert anna.post("/agent/talk", {"talk": "anna#1", "note": "x"}).status_code == 403
    desk.queues.add_agent("sven", "sip:sven@pbx", {})
    assert note(logged_in(desk, "sven"), note="x").status_code == 409
    assert desk.queues.floor.talks[0].note == ""


def test_whatever_a_caller_says_is_text_at_the_agents_desk(desk: TestDesk, anna: Browser) -> None:
    hidden = f"{EVIL}\u202e\x00"
    answers = {EVIL: hidden, "long": "a" * 1000, "list": [hidden]}
    ringing(desk, anna, caller=hidden, name=hidden, flow=hidden, language=hidden, answers=answers)
    page = anna.get("/agent").text
    assert page.count("&lt;script&gt;alert(1)") >= 6 and EVIL not in page and "a" * 301 not in page
    assert not set("\u202e\x00") & set(page)


def test_a_context_that_makes_no_sense_does_no_harm(desk: TestDesk, anna: Browser) -> None:
    ringing(desk, anna, caller=None, answers=["?"], wait_s=3, language=7)
    assert "Nothing was asked." in anna.get("/agent").text


def test_the_wallboard_has_the_service_level_by_hour(desk: TestDesk) -> None:
    desk.queues.add_agent("anna", "sip:anna@pbx", {})
    desk.queues.agent_acts("anna", Act.LOG_IN, desk.clock.at)
    waiting(desk)
    desk.clock.advance(seconds=75)
    (ring,) = desk.queues.tick("host/1", desk.clock.at)
    desk.queues.connect(ring.offer_id, desk.clock.at)
    page = logged_in(desk).get("/wallboard").text
    assert "<title>0 % of 1 calls from 12 o&#39;clock</title>" in page, "75 s are too long for 20 s"
    assert "<title>goal 80 %</title>" in page
