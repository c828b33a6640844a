"""The telephone in the agent's page: whose account is given to whom, and what the page may do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ivr.config_phone import PhoneSettings
from ivr.settings import load_settings
from ivr.web.guard import CONTENT_POLICY
from tests.web.desks import TestDesk, csrf_of, logged_in, made_desk

pytestmark = pytest.mark.adapter

PHONE: dict[str, Any] = {
    "websocket": "wss://pbx.example.org:8089/ws",
    "domain": "pbx.example.org",
    "agents": {"anna": {"password": "annas-secret"}, "sven": {"username": "desk.7", "password": "svens-secret"}},
}


@pytest.fixture
def phone_desk(tmp_path: Path) -> Iterator[TestDesk]:
    with made_desk(tmp_path, phone=PHONE) as desk:
        desk.queues.add_agent("anna", "sip:2101@pbx.example.org", {})
        desk.queues.add_agent("olga", "sip:2103@pbx.example.org", {})
        yield desk


def test_an_agent_gets_his_own_account_and_nobody_keeps_it(phone_desk: TestDesk) -> None:
    browser = logged_in(phone_desk, "anna")
    answer = browser.post("/agent/phone", {"csrf": csrf_of(browser.get("/agent"))})
    assert answer.json() == {
        "websocket": "wss://pbx.example.org:8089/ws",
        "domain": "pbx.example.org",
        "username": "2101",
        "password": "annas-secret",
        "ice": [],
    }
    assert answer.headers["cache-control"] == "no-store"


def test_the_name_at_the_telephone_system_may_differ_from_the_number(phone_desk: TestDesk) -> None:
    browser = logged_in(phone_desk, "sven")
    told = browser.post("/agent/phone", {"csrf": csrf_of(browser.get("/agent"))}).json()
    assert (told["username"], told["password"]) == ("desk.7", "svens-secret")


def test_nobody_gets_the_account_of_another(phone_desk: TestDesk) -> None:
    stranger = phone_desk.browser()
    assert stranger.post("/agent/phone", {}).headers["location"] == "/login"
    olga = logged_in(phone_desk, "olga")  # an operator, and the account still is not hers
    for asked in ({}, {"agent": "anna"}, {"name": "anna", "username": "2101"}):
        answer = olga.post("/agent/phone", {"csrf": csrf_of(olga.get("/agent")), **asked})
        assert answer.status_code == 404 and "secret" not in answer.text


def test_another_site_cannot_have_it_fetched(phone_desk: TestDesk) -> None:
    browser = logged_in(phone_desk, "anna")
    fields = {"csrf": csrf_of(browser.get("/agent"))}
    assert browser.post("/agent/phone", fields, origin="https://evil.example").status_code == 403
    assert browser.post("/agent/phone", {"csrf": "0" * 64}).status_code == 403
    assert browser.get("/agent/phone").status_code == 404 or browser.get("/agent/phone").status_code == 405


def test_the_page_holds_no_password(phone_desk: TestDesk) -> None:
    text = logged_in(phone_desk, "anna").get("/agent").text
    assert 'data-phone="/agent/phone"' in text and "secret" not in text and "wss:" not in text
    assert '<option value="2103">olga</option>' in text, "other agents can be chosen for a transfer"
    assert '<option value="2101">' not in text


def test_only_that_page_may_use_the_microphone_and_the_websocket(phone_desk: TestDesk) -> None:
    browser = logged_in(phone_desk, "sven")
    headers = browser.get("/agent").headers
    assert headers["permissions-policy"] == "camera=(), microphone=(self), geolocation=()"
    assert headers["content-security-policy"] == CONTENT_POLICY.replace(
        "connect-src 'self';", "connect-src 'self' wss://pbx.example.org:8089;"
    )
    others = browser.get("/wallboard").headers
    assert others["content-security-policy"] == CONTENT_POLICY and "microphone=()" in others["permissions-policy"]


def test_without_settings_there_is_no_telephone(tmp_path: Path) -> None:
    with made_desk(tmp_path) as desk:
        browser = logged_in(desk, "anna")
        page = browser.get("/agent")
        assert "data-phone" not in page.text and "microphone=()" in page.headers["permissions-policy"]
        assert browser.post("/agent/phone", {"csrf": csrf_of(page)}).status_code == 404


def test_who_is_no_agent_is_told_so(tmp_path: Path) -> None:
    with made_desk(tmp_path, phone=PHONE) as desk:
        browser = logged_in(desk, "anna")
        answer = browser.post("/agent/phone", {"csrf": csrf_of(browser.get("/agent"))})
        assert (answer.status_code, answer.json()) == (409, {"error": "no_agent"})


@pytest.mark.parametrize(
    "websocket", ["ws://pbx.example.org/ws", "https://pbx", "wss://u:p@pbx/ws", "wss://a; script-src *", "wss://a b"]
)
def test_what_is_no_safe_websocket_is_refused(websocket: str) -> None:
    with pytest.raises(ValidationError):
        PhoneSettings(websocket=websocket, domain="pbx")


def test_on_the_same_machine_it_may_be_open() -> None:
    assert PhoneSettings(websocket="ws://127.0.0.1:8088/ws", domain="127.0.0.1").origin == "ws://127.0.0.1:8088"


def test_passwords_come_from_the_environment_only(tmp_path: Path) -> None:
    file = tmp_path / "ivr.yaml"
    phone = "web: {phone: {websocket: 'wss://p/ws', domain: p, agents: {anna: {password: '%s'}}}}\n"
    file.write_text(phone % "written-out")
    with pytest.raises(Exception, match="secrets only come from the environment"):
        load_settings(file, environ={})
    file.write_text(phone % "${PHONE_ANNA}")
    read = load_settings(file, environ={"PHONE_ANNA": "annas-secret"}).web.phone
    assert read and read.agents["anna"].password.get_secret_value() == "annas-secret"
    assert "annas-secret" not in repr(read)
