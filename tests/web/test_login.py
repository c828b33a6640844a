"""Who gets in, and for how long."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.web.limits import PER_PAIR
from tests.web.desks import PASSWORD, TestDesk, csrf_of, logged_in, made_desk, try_login

pytestmark = pytest.mark.adapter

WRONG = "Name or password is wrong."


@pytest.mark.parametrize(
    "path", ["/", "/agent", "/agent/events", "/wallboard", "/wallboard/events", "/calls", "/calls/one", "/flows"]
)
def test_no_page_is_shown_to_strangers(desk: TestDesk, path: str) -> None:
    asked = desk.browser().get(path)
    assert (asked.status_code, asked.headers["location"]) == (303, "/login")


def test_name_and_password_lead_to_where_ones_work_begins(desk: TestDesk) -> None:
    assert logged_in(desk, "sven").get("/").headers["location"] == "/wallboard"
    assert logged_in(desk, "anna").get("/").headers["location"] == "/agent"
    assert try_login(desk.browser(), " SVEN ").status_code == 303


@pytest.mark.parametrize(
    ("name", "password"), [("sven", "wrong"), ("nobody", PASSWORD), ("", ""), ("s" * 65, PASSWORD)]
)
def test_what_was_wrong_is_not_told(desk: TestDesk, name: str, password: str) -> None:
    answer = try_login(desk.browser(), name, password)
    assert answer.status_code == 401 and WRONG in answer.text
    assert desk.people.sessions == {}


def test_after_five_failures_not_even_the_right_password_is_looked_at(desk: TestDesk) -> None:
    browser = desk.browser()
    for _ in range(PER_PAIR):
        assert try_login(browser, "sven", "wrong").status_code == 401
    refused = try_login(browser, "sven")
    assert refused.status_code == 429 and "Try again in 15 min." in refused.text
    assert try_login(desk.browser(source="10.0.0.2"), "sven").status_code == 303
    assert try_login(desk.browser(), "olga").status_code == 303


def test_a_session_has_a_token_that_nobody_could_have_known_before(desk: TestDesk) -> None:
    browser = desk.browser()
    browser.cookies.set("desk", "chosen-by-somebody-else", domain="127.0.0.1")
    try_login(browser, "sven")
    token = [cookie.value for cookie in browser.cookies.jar if cookie.name == "desk"]
    assert token != ["chosen-by-somebody-else"] and len(token[0] or "") > 40
    assert token[0] not in desk.people.sessions, "the rows hold a hash"


def test_a_session_ends_after_its_time(desk: TestDesk) -> None:
    browser = logged_in(desk)
    desk.clock.advance(hours=11, minutes=59)
    assert browser.get("/calls").status_code == 200
    desk.clock.advance(minutes=1)
    assert browser.get("/calls").headers["location"] == "/login"


def test_logging_out_ends_the_session_and_not_only_the_cookie(desk: TestDesk) -> None:
    browser = logged_in(desk)
    kept = dict(browser.cookies)
    done = browser.post("/logout", {"csrf": csrf_of(browser.get("/calls"))})
    assert (done.status_code, done.headers["location"]) == (303, "/login")
    browser.cookies.update(kept)
    assert browser.get("/calls").status_code == 303


def test_a_form_without_the_sessions_token_changes_nothing(desk: TestDesk) -> None:
    browser, other = logged_in(desk), logged_in(desk, "olga")
    for csrf in ("", "0" * 64, csrf_of(other.get("/calls"))):
        assert browser.post("/logout", {"csrf": csrf}).status_code == 403
        assert browser.post("/language", {"csrf": csrf, "language": "de"}).status_code == 403
    assert browser.get("/calls").status_code == 200
    assert desk.people.known["sven"][0].language == ""


def test_no_other_site_logs_anybody_in(desk: TestDesk) -> None:
    browser = desk.browser()
    fields = {"name": "sven", "password": PASSWORD}
    assert browser.post("/login", {**fields, "csrf": "0" * 64}).status_code == 403
    csrf = csrf_of(browser.get("/login"))
    for headers in ({"origin": "http://evil.example"}, {"sec_fetch_site": "cross-site"}, {"origin": "null"}):
        assert browser.post("/login", {**fields, "csrf": csrf}, **headers).status_code == 403
    assert browser.post("/login", {**fields, "csrf": csrf}, origin="http://127.0.0.1:8080").status_code == 303


def test_pages_of_supervisors_are_not_for_agents(desk: TestDesk) -> None:
    browser = logged_in(desk, "anna")
    for path in ("/wallboard", "/wallboard/events", "/calls", "/calls/one", "/flows"):
        refused = browser.get(path)
        assert refused.status_code == 403 and "not for your role" in refused.text


def test_the_cookie_is_kept_from_scripts_and_with_tls_from_open_networks(desk: TestDesk, tmp_path: Path) -> None:
    cookie = try_login(desk.browser(), "sven").headers.get_list("set-cookie")[0]
    assert cookie.startswith("desk=") and "HttpOnly" in cookie and "SameSite=lax" in cookie
    with made_desk(tmp_path, public_url="https://desk.example.org") as secure:
        answer = try_login(secure.browser("https://desk.example.org"), "sven")
        cookie = answer.headers.get_list("set-cookie")[0]
        assert cookie.startswith("__Host-desk=") and "Secure" in cookie and "Path=/;" in cookie
        assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_the_users_language_goes_before_the_browsers(desk: TestDesk) -> None:
    browser = logged_in(desk, accept_language="de")
    page = browser.get("/calls")
    assert '<html lang="de">' in page.text and "Noch keine Anrufe." in page.text
    chosen = browser.post("/language", {"csrf": csrf_of(page), "language": "en", "back": "/calls"})
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/calls")
    assert "No calls yet." in browser.get("/calls").text


@pytest.mark.parametrize("back", ["//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nX: y", ""])
def test_nobody_is_led_to_another_site(desk: TestDesk, back: str) -> None:
    browser = logged_in(desk)
    done = browser.post("/language", {"csrf": csrf_of(browser.get("/calls")), "language": "xx", "back": back})
    assert done.headers["location"] == "/"
    assert desk.people.known["sven"][0].language == ""
