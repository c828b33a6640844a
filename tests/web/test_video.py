"""The pages of video rooms: who gets in, how often, and what a browser is told."""

from __future__ import annotations

import json
from datetime import timedelta

import httpx
import pytest

from ivr.ports.video import NewVisit
from ivr.web.desk import token_hash
from tests.web.desks import Browser, TestDesk, csrf_of, logged_in

TOKEN = "a-token-of-a-link"
GUESTS = "https://video.example.org"


def opened(desk: TestDesk, visit: str = "visit", token: str = TOKEN, lasts_s: float = 600.0) -> int:
    """A caller waits in a room."""
    ends = desk.clock.at + timedelta(seconds=lasts_s)
    number = desk.video.open(NewVisit(visit, "call", "support", (500, 501), token_hash(token), ends), desk.clock.at)
    assert number is not None
    return number


def join(browser: Browser, token: str = TOKEN) -> httpx.Response:
    return browser.post(f"/v/{token}/join", b"", origin=browser.base)


def present(desk: TestDesk, visit: str = "visit") -> int:
    return desk.video.attend(visit, desk.clock.at).present


def test_a_link_shows_a_page_without_a_login_and_is_not_used_by_that(desk: TestDesk) -> None:
    opened(desk)
    browser = desk.browser()
    assert [browser.get(f"/v/{TOKEN}").status_code for _ in range(3)] == [200] * 3
    assert join(browser).status_code == 200


def test_joining_gives_what_the_browser_needs_to_call_the_room(desk: TestDesk) -> None:
    number = opened(desk)
    told = join(desk.browser()).json()
    assert told.pop("key")
    assert told == {
        "number": str(number),
        "domain": "pbx.example.org",
        "websocket": "wss://pbx.example.org:8089/ws",
        "username": "guest",
        "password": "guest-secret",
        "ice": [],
    }
    assert present(desk) == 1


def test_a_link_is_used_once(desk: TestDesk) -> None:
    opened(desk)
    join(desk.browser())
    again = join(desk.browser())
    assert again.status_code == 410 and "guest-secret" not in again.text
    page = desk.browser().get(f"/v/{TOKEN}")
    assert page.status_code == 410 and "cannot be used any more" in page.text


def test_a_link_ends_with_its_time(desk: TestDesk) -> None:
    opened(desk, lasts_s=60.0)
    desk.clock.advance(seconds=59)
    desk.video.attend("visit", desk.clock.at)
    assert desk.browser().get(f"/v/{TOKEN}").status_code == 200
    desk.clock.advance(seconds=1)
    desk.video.attend("visit", desk.clock.at)
    assert join(desk.browser()).status_code == 410


def test_a_link_ends_with_its_call(desk: TestDesk) -> None:
    opened(desk)
    desk.video.close("visit", desk.clock.at)
    assert join(desk.browser()).status_code == 410


def test_a_link_ends_with_its_bot(desk: TestDesk) -> None:
    opened(desk)
    desk.clock.advance(seconds=21)
    assert join(desk.browser()).status_code == 410


def test_who_guesses_links_gets_no_answer_for_a_while(desk: TestDesk) -> None:
    opened(desk)
    statuses = [desk.browser(source="198.51.100.7").get(f"/v/guess{number}").status_code for number in range(22)]
    assert statuses == [410] * 20 + [429] * 2
    assert join(desk.browser(source="198.51.100.7")).status_code == 429
    assert join(desk.browser()).status_code == 200


def test_another_site_cannot_use_a_link(desk: TestDesk) -> None:
    opened(desk)
    assert desk.browser().post(f"/v/{TOKEN}/join", b"", origin="https://evil.example").status_code == 403


def test_the_address_of_links_leads_to_nothing_else_of_the_desk(desk: TestDesk) -> None:
    opened(desk)
    browser = desk.browser(GUESTS)
    assert browser.get("/login").status_code == 421
    assert browser.get("/video/500").status_code == 421
    assert browser.get("/static/video.js").status_code == 200
    assert join(browser).status_code == 200


def test_a_page_of_video_may_use_the_camera_and_call_the_telephone_system(desk: TestDesk) -> None:
    opened(desk)
    headers = desk.browser().get(f"/v/{TOKEN}").headers
    assert "connect-src 'self' wss://pbx.example.org:8089;" in headers["content-security-policy"]
    assert headers["permissions-policy"].startswith("camera=(self), microphone=(self)")
    other = desk.browser().get("/login").headers
    assert "wss:" not in other["content-security-policy"] and other["permissions-policy"].startswith("camera=()")


def test_a_page_that_says_nothing_more_has_left(desk: TestDesk) -> None:
    opened(desk)
    browser = desk.browser()
    key = join(browser).json()["key"]
    desk.clock.advance(seconds=15)
    assert browser.post("/v/seen", key.encode()).json() == {"stay": True}
    desk.clock.advance(seconds=15)
    assert present(desk) == 1
    desk.clock.advance(seconds=6)
    assert present(desk) == 0


def test_a_page_that_is_closed_has_left_at_once(desk: TestDesk) -> None:
    opened(desk)
    browser = desk.browser()
    key = join(browser).json()["key"]
    assert browser.post("/v/left", key.encode()).status_code == 204
    assert present(desk) == 0
    assert browser.post("/v/seen", key.encode()).json() == {"stay": False}


def test_pages_are_told_to_leave_when_the_caller_has(desk: TestDesk) -> None:
    opened(desk)
    browser = desk.browser()
    key = join(browser).json()["key"]
    desk.video.close("visit", desk.clock.at)
    assert browser.post("/v/seen", key.encode()).json() == {"stay": False}


@pytest.mark.parametrize("body", [b"", b"nothing", b"x" * 129, b"\xff\x00"])
def test_what_is_no_key_changes_nothing(desk: TestDesk, body: bytes) -> None:
    opened(desk)
    answer = desk.browser().post("/v/seen", body)
    assert answer.status_code == 413 if len(body) > 128 else answer.json() == {"stay": False}


def test_an_agent_joins_by_name_from_the_desk(desk: TestDesk) -> None:
    number = opened(desk)
    browser = logged_in(desk, "anna")
    assert f"/video/{number}" in browser.get("/video").text
    csrf = csrf_in(browser.get(f"/video/{number}"))
    told = browser.post(f"/video/{number}/join", {"csrf": csrf}).json()
    assert (told["username"], told["password"]) == ("staff", "staff-secret")
    assert present(desk) == 1


def csrf_in(page: httpx.Response) -> str:
    assert csrf_of(page) in page.text.partition("data-csrf")[2]
    return csrf_of(page)


def test_who_has_not_logged_in_gets_into_no_room(desk: TestDesk) -> None:
    number = opened(desk)
    for path in ("/video", f"/video/{number}"):
        assert desk.browser().get(path).headers["location"] == "/login"
    answer = desk.browser().post(f"/video/{number}/join", {})
    assert answer.status_code == 303 and "secret" not in answer.text


def test_another_site_cannot_have_an_agent_join(desk: TestDesk) -> None:
    number = opened(desk)
    browser = logged_in(desk, "anna")
    assert browser.post(f"/video/{number}/join", {"csrf": "0" * 64}).status_code == 403


def test_a_room_without_a_caller_has_nobody_to_see(desk: TestDesk) -> None:
    browser = logged_in(desk, "anna")
    page = browser.get("/video/500")
    assert page.status_code == 404 and "Nobody waits" in page.text
    assert browser.post("/video/500/join", {"csrf": csrf_of(page)}).status_code == 410
    assert browser.get("/video/not-a-number").status_code in (404, 422)


def test_pages_are_in_german_for_who_wishes_so(desk: TestDesk) -> None:
    opened(desk)
    assert "Videogespräch" in desk.browser().get(f"/v/{TOKEN}", accept_language="de").text


def test_the_credentials_are_in_no_page(desk: TestDesk) -> None:
    opened(desk)
    assert "secret" not in desk.browser().get(f"/v/{TOKEN}").text
    assert "secret" not in json.dumps(dict(desk.browser().get(f"/v/{TOKEN}").headers))
