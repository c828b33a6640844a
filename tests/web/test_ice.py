"""STUN and TURN servers of the pages: logins that end by themselves, made from a secret that no page gets to know."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ivr.config_ice import IceSettings
from ivr.errors import ConfigError
from ivr.settings import load_settings
from ivr.web.ice import ice_servers, turn_login
from tests.web.desks import csrf_of, logged_in, made_desk
from tests.web.test_phone import PHONE
from tests.web.test_video import join, opened

pytestmark = pytest.mark.adapter

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECRET = "a-secret-of-the-turn-server"
ICE: dict[str, Any] = {
    "stun": ["stun:turn.example.org"],
    "turn": ["turn:turn.example.org:3478?transport=udp", "turns:turn.example.org:443?transport=tcp"],
    "secret": SECRET,
    "valid": "1h",
}


def test_a_login_is_what_the_turn_server_makes_of_its_secret() -> None:
    # echo -n 1772445600:a1b2 | openssl dgst -sha1 -hmac a-secret-of-the-turn-server -binary | base64
    assert turn_login(SECRET, "a1b2", 1772445600) == ("1772445600:a1b2", "zCvLYKR12GvnOMdi8p0HgRp7H2c=")


def test_a_page_is_told_of_stun_and_of_turn_with_a_login_that_ends() -> None:
    stun, turn = ice_servers(IceSettings.model_validate(ICE), "a1b2", NOW)
    assert stun == {"urls": ["stun:turn.example.org"]}
    username, credential = turn_login(SECRET, "a1b2", int(NOW.timestamp()) + 3600)
    assert turn == {"urls": ICE["turn"], "username": username, "credential": credential}


def test_without_servers_a_page_is_told_of_none_and_stun_needs_no_login() -> None:
    assert ice_servers(IceSettings(), "a1b2", NOW) == []
    only_stun = IceSettings.model_validate({"stun": ["stun:10.0.0.1:3478"]})
    assert ice_servers(only_stun, "a1b2", NOW) == [{"urls": ["stun:10.0.0.1:3478"]}]


def test_each_page_has_a_login_of_its_own_that_says_nothing_of_anybody(tmp_path: Path) -> None:
    with made_desk(tmp_path, ice=ICE, phone=PHONE) as desk:
        desk.queues.add_agent("anna", "sip:2101@pbx.example.org", {})
        opened(desk)
        anna = logged_in(desk, "anna")
        guest, phone = join(desk.browser()), anna.post("/agent/phone", {"csrf": csrf_of(anna.get("/agent"))})
    names = set()
    for answer in (guest, phone):
        assert SECRET not in answer.text and answer.headers["cache-control"] == "no-store"
        _, turn = answer.json()["ice"]
        ends, _, name = turn["username"].partition(":")
        assert int(ends) == int(desk.clock.at.timestamp()) + 3600
        assert turn["credential"] == turn_login(SECRET, name, int(ends))[1]
        names.add(name)
    assert len(names) == 2 and not {"anna", "guest", "2101"} & names


@pytest.mark.parametrize(
    "wrong",
    [
        {"turn": ["turn:turn.example.org"]},
        {"secret": SECRET},
        {"turn": ["turn:turn.example.org"], "secret": ""},
        {"stun": ["https://stun.example.org"]},
        {"stun": ["stun:stun.example.org?transport=udp"]},
        {"turn": ["turn:user@turn.example.org"], "secret": SECRET},
        {"turn": ["turn:turn.example.org?transport=tls"], "secret": SECRET},
        {**ICE, "valid": "10s"},
        {**ICE, "valid": "48h"},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        IceSettings.model_validate(wrong)


def test_the_secret_comes_from_the_environment_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ivr.yaml"
    text = "web: {{ice: {{turn: ['turn:turn.example.org'], secret: '{}'}}}}\n"
    file.write_text(text.format(SECRET))
    with pytest.raises(ConfigError, match="only come from the environment"):
        load_settings(file)
    monkeypatch.setenv("TURN_SECRET", SECRET)
    file.write_text(text.format("${TURN_SECRET}"))
    settings = load_settings(file)
    assert settings.web.ice.secret is not None and SECRET not in repr(settings)
    assert settings.web.ice.secret.get_secret_value() == SECRET
