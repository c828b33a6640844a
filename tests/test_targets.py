"""Where callers can be brought to: targets of the settings, and rooms, which have another address at each visit."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ivr.app_targets import targets_of
from ivr.config import Settings
from ivr.config_video import VideoSettings
from ivr.flow.steps.video import target_name

pytestmark = pytest.mark.adapter

ROOMS: dict[str, Any] = {
    "rooms": "500-501",
    "sip": "sip:{room}@pbx.example.org",
    "account": "office",
    "websocket": "wss://pbx.example.org:8089/ws",
    "domain": "pbx.example.org",
    "guest": {"username": "guest", "password": "guest-secret"},
}


def settings(**rooms: object) -> Settings:
    targets = {"desk": {"sip": "sip:desk@pbx.example.org"}}
    return Settings.model_validate({"targets": targets, "video": {"support": {**ROOMS, **rooms}}})


def test_a_room_is_called_by_its_number() -> None:
    targets = targets_of(settings())
    found = targets[target_name("support", 501, "a-visit")]
    assert (found.name, found.uri, found.account) == ("support/501", "sip:501@pbx.example.org", "office")
    assert list(targets) == ["desk"] and targets["desk"].uri == "sip:desk@pbx.example.org"


def test_digits_that_nobody_can_guess_follow_the_number_and_differ_at_each_visit() -> None:
    given = settings(random_digits=10)
    found = [targets_of(given)[target_name("support", 500, visit)] for visit in ("one", "two", "one")]
    assert found[0] == found[2] and found[0] != found[1]
    assert {each.name for each in found} == {"support/500"}, "records do not say what was dialled"
    for each in found:
        user = each.uri.removeprefix("sip:").partition("@")[0]
        assert len(user) == 13 and user.startswith("500") and user.isdecimal()


@pytest.mark.parametrize("digits", [1, 2, 12])
def test_there_are_always_as_many_digits(digits: int) -> None:
    rooms = VideoSettings.model_validate({**ROOMS, "random_digits": digits})
    dialled = {rooms.dialled(500, str(visit)) for visit in range(200)}
    assert {len(each) for each in dialled} == {3 + digits}
    assert len(dialled) > 5


@pytest.mark.parametrize(
    "name", ["", "nobody", "support", "support/500", "support/502/v", "support/x/v", "sales/500/v", "support/500/"]
)
def test_nothing_else_is_a_target(name: str) -> None:
    targets = targets_of(settings())
    assert name not in targets and targets.get(name) is None


@pytest.mark.parametrize("digits", [-1, 13])
def test_too_many_digits_are_refused(digits: int) -> None:
    with pytest.raises(ValidationError):
        VideoSettings.model_validate({**ROOMS, "random_digits": digits})
