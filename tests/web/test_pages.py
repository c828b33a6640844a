"""What the pages show, and that it is shown as text whatever it is."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from ivr.errors import Problem
from ivr.ports import EndReason
from ivr.ports.desk import BotStatus, FlowLine, FlowsShown
from ivr.web import streams
from ivr.web.guard import CONTENT_POLICY
from tests.storage.records import at, ended, menu_step, started, write_talk
from tests.web.desks import UP, TestDesk, logged_in

pytestmark = pytest.mark.adapter

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{7*7}}\r\nSet-Cookie: a=b"
SHOWN = "&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=alert(2)&gt;&#34;&#39;&amp;{{7*7}}  Set-Cookie: a=b"


def test_the_wallboard_has_the_calls_of_today_and_of_this_moment(desk: TestDesk) -> None:
    desk.write(started("one"), ended("one"), started("two", offset_s=3600))
    page = logged_in(desk).get("/wallboard").text
    assert '<dd id="in-progress">2</dd>' in page and "of 4" in page
    assert '<dd id="calls-today">2</dd>' in page
    assert 'href="/calls/two"' in page and 'href="/calls/one"' not in page
    assert "<title>1 calls from 00 o&#39;clock</title>" in page


@pytest.mark.parametrize(
    ("bot", "said"),
    [
        (None, "The bot gives no answer."),
        (replace(UP, is_up=False), "The bot takes no calls at the moment."),
        (replace(UP, problem="the database is away"), "the database is away"),
    ],
)
def test_the_wallboard_says_what_is_wrong_with_the_bot(desk: TestDesk, bot: BotStatus | None, said: str) -> None:
    desk.bot.told = bot
    assert said in logged_in(desk).get("/wallboard").text


def test_events_are_sent_when_figures_change_and_end_with_the_session(
    desk: TestDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "EVERY_S", 0.0)
    monkeypatch.setattr(streams, "SESSION_EVERY_S", 0.0)
    browser = logged_in(desk)

    def end_session() -> None:
        desk.people.sessions.clear()

    async def later() -> None:
        await asyncio.sleep(0.3)
        end_session()

    async def read() -> str:
        ending = asyncio.create_task(later())
        answer = await browser._ask("GET", "/wallboard/events", {})
        await ending
        assert answer.headers["content-type"].startswith("text/event-stream")
        return answer.text

    sent = asyncio.run(read())
    assert sent.count("event: figures\n") == 1 and ": alive\n" in sent
    assert sent.endswith("event: over\ndata: -\n\n")


def test_the_list_of_calls_has_pages(desk: TestDesk) -> None:
    desk.write(*(started(f"call-{number:02}", offset_s=number) for number in range(51)))
    browser = logged_in(desk)
    first = browser.get("/calls").text
    assert first.count('<a href="/calls/call-') == 50 and 'href="/calls?before=call-01"' in first
    second = browser.get("/calls?before=call-01").text
    assert second.count('<a href="/calls/call-') == 1 and 'href="/calls">newest' in second


def test_a_call_is_shown_as_it_was_recorded(desk: TestDesk) -> None:
    desk.write(started("one"), menu_step("one"), ended("one"))
    page = logged_in(desk).get("/calls/one").text
    for part in ("+493012345", "sales please", "confidence 0.88", "1:01", "4.2 of 4.5", "***", "2026-03-29 00:59:58"):
        assert part in page, part
    german = logged_in(desk, accept_language="de").get("/calls/one").text
    for part in ("29.03.2026 00:59:58", "Verlauf", "Sicherheit 0.88", "verbunden"):
        assert part in german, part


def test_a_call_shows_whom_the_caller_has_talked_to_and_what_was_said_of_it(desk: TestDesk) -> None:
    desk.write(started("one"), ended("one"), started("two"))
    write_talk(desk.url, "one", "solved", f"paid\n{EVIL}")
    page = logged_in(desk).get("/calls/one").text
    for part in ("Talks with agents", "anna", "sales", "0:08", "0:50", "solved", "paid<br>&lt;script&gt;alert(1)"):
        assert part in page, part
    assert "<script>" not in page and "<img" not in page
    assert "Talks with agents" not in logged_in(desk).get("/calls/two").text


def test_whatever_a_caller_sends_is_text(desk: TestDesk) -> None:
    desk.write(
        replace(started("one"), ani=EVIL, dnis=EVIL, sip_call_id=EVIL, account=EVIL),
        replace(menu_step("one"), heard=EVIL, meaning=EVIL + "2", prompt=EVIL, detail=EVIL, kind=EVIL, outcome=EVIL),
        replace(ended("one"), variables={EVIL: EVIL, "list": [EVIL]}, transfer_target=EVIL),
        replace(started("two"), ani=EVIL, dnis=EVIL),
    )
    browser = logged_in(desk)
    for path in ("/calls/one", "/calls", "/wallboard"):
        answer = browser.get(path)
        assert answer.status_code == 200
        assert SHOWN in answer.text
        assert "<script>" not in answer.text and "<img" not in answer.text
        assert "a=b" not in str(answer.headers)


def test_characters_that_turn_or_hide_text_are_not_shown(desk: TestDesk) -> None:
    desk.write(replace(started("one"), ani="+49\u202e321\u200b\x00\x1b[31m"))
    page = logged_in(desk).get("/calls").text
    assert not set("\u202e\u200b\x00\x1b") & set(page)


@pytest.mark.parametrize(
    "path", ["/calls/absent", "/calls/" + "a" * 65, "/calls/..%2f..%2fetc", "/nothing", "/static/x"]
)
def test_what_is_not_there_is_404_and_says_so(desk: TestDesk, path: str) -> None:
    answer = logged_in(desk).get(path)
    assert answer.status_code == 404 and "There is no such page." in answer.text


def test_flows_are_shown_with_their_problems(desk: TestDesk) -> None:
    line = FlowLine("demo", "a1b2c3d4e5", at(0), "olga", "ffff", ())
    problem = Problem("flows/demo.yaml", 7, 3, "main", f"there is no step {EVIL}", rule="unknown_step")
    desk.flows.told = FlowsShown((line,), (problem,))
    page = logged_in(desk).get("/flows").text
    for part in ("demo", "a1b2c3d4", "in service", "a newer file waits", "flows/demo.yaml:7", SHOWN):
        assert part in page, part
    desk.flows.told = FlowsShown((), (), "flows: cannot be read")
    assert "flows: cannot be read" in logged_in(desk).get("/flows").text


def test_without_the_database_the_pages_say_so(desk: TestDesk) -> None:
    browser = logged_in(desk)
    desk.people.is_away = True
    answer = browser.get("/calls")
    assert answer.status_code == 503 and "cannot be read" in answer.text


def test_a_fault_of_ours_shows_nothing_of_it(desk: TestDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = logged_in(desk)
    monkeypatch.setattr(type(desk.flows), "shown", lambda self: 1 / 0)
    with capture_logs() as logged:
        answer = browser.get("/flows")
    assert [(line["event"], line["path"]) for line in logged] == [("desk_page_failed", "/flows")]
    assert answer.status_code == 500 and "Something went wrong" in answer.text
    assert "division" not in answer.text
    assert answer.headers["content-security-policy"] == CONTENT_POLICY


def test_health_is_for_whoever_watches_the_bot(desk: TestDesk) -> None:
    browser = desk.browser()
    answer = browser.get("/health")
    assert (answer.status_code, answer.json()["status"], answer.json()["calls"]) == (200, "ok", 2)
    desk.bot.told = replace(UP, problem="the database is away")
    assert (browser.get("/health").status_code, browser.get("/health").json()["status"]) == (200, "degraded")
    desk.bot.told = replace(UP, is_up=False)
    assert (browser.get("/health").status_code, browser.get("/health").json()["status"]) == (503, "down")
    desk.bot.told = None
    assert browser.get("/health").status_code == 503


def test_every_answer_keeps_scripts_frames_and_caches_out(desk: TestDesk) -> None:
    browser = logged_in(desk)
    for path in ("/login", "/calls", "/nothing", "/static/desk.js", "/health"):
        headers = browser.get(path).headers
        assert headers["content-security-policy"] == CONTENT_POLICY and "unsafe" not in CONTENT_POLICY
        assert (headers["x-content-type-options"], headers["x-frame-options"]) == ("nosniff", "DENY")
        assert headers["cache-control"] in ("no-store", "no-cache")


def test_a_name_that_was_made_to_lead_here_is_refused(desk: TestDesk) -> None:
    answer = desk.browser("http://evil.example:8080").get("/login")
    assert answer.status_code == 421 and "http://127.0.0.1:8080" in answer.text


def test_an_endless_form_is_refused(desk: TestDesk) -> None:
    browser = logged_in(desk)
    assert browser.post("/language", b"csrf=" + b"a" * 20_000).status_code == 413
    assert browser.post("/language", b"&".join(b"a=1" for _ in range(50))).status_code == 413


def test_no_page_has_a_script_or_style_of_its_own(desk: TestDesk) -> None:
    desk.write(started("one"), ended("one", EndReason.REJECTED))
    browser = logged_in(desk)
    for path in ("/wallboard", "/calls", "/calls/one", "/flows"):
        page = browser.get(path).text
        assert "<style" not in page and " style=" not in page and " onclick" not in page
        assert page.count("<script") == 1
