"""An agent goes on with a caller by video: what the agent's page says, and what the queues think meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ivr.acd.agent import AgentState
from ivr.ports.video import NewVisit
from ivr.web.desk import token_hash
from tests.web.desks import Browser, TestDesk, csrf_of, logged_in
from tests.web.test_agent import ringing, state_of, wish, wrapping_up

pytestmark = pytest.mark.adapter

BY_VIDEO = {"return_key": "9", "returns_to": "video"}


@pytest.fixture
def anna(desk: TestDesk) -> Browser:
    """The browser of an agent."""
    desk.queues.add_agent("anna", "sip:anna@pbx", {})
    return logged_in(desk, "anna")


def waits_in_room(desk: TestDesk, call_id: str = "call-1") -> int:
    ends = desk.clock.at + timedelta(minutes=10)
    number = desk.video.open(NewVisit("visit", call_id, "support", (500, 501), token_hash("link"), ends), desk.clock.at)
    assert number is not None
    return number


def join(desk: TestDesk, browser: Browser, number: int) -> int:
    csrf = csrf_of(browser.get("/agent"))
    return browser.post(f"/video/{number}/join", {"csrf": csrf}).status_code


@pytest.mark.parametrize(
    ("way", "said"),
    [
        (BY_VIDEO, "Key 9: the caller goes on by video."),
        ({"return_key": "*", "returns_to": "rate_us"}, "Key *: the caller goes back to the flow, to rate us."),
    ],
)
def test_during_the_talk_the_page_says_what_the_key_does(
    desk: TestDesk, anna: Browser, way: dict[str, object], said: str
) -> None:
    offer = ringing(desk, anna, **way)
    assert said not in anna.get("/agent").text, "it only rings"
    desk.queues.connect(offer, desk.clock.at)
    assert said in anna.get("/agent").text
    desk.queues.end("call-1", desk.clock.at)
    assert said not in anna.get("/agent").text, "the talk is over"


def test_a_talk_that_cannot_go_back_says_nothing_of_it(desk: TestDesk, anna: Browser) -> None:
    desk.queues.connect(ringing(desk, anna), desk.clock.at)
    assert "Key " not in anna.get("/agent").text


def test_the_room_in_which_the_own_caller_waits_is_on_the_page(desk: TestDesk, anna: Browser) -> None:
    wrapping_up(desk, anna, **BY_VIDEO)
    assert "video room" not in anna.get("/agent").text
    number = waits_in_room(desk)
    assert f'href="/video/{number}"' in anna.get("/agent").text
    desk.video.close("visit", desk.clock.at)
    assert "video room" not in anna.get("/agent").text


def test_the_room_of_another_caller_is_not(desk: TestDesk, anna: Browser) -> None:
    wrapping_up(desk, anna)
    waits_in_room(desk, "call-2")
    assert "video room" not in anna.get("/agent").text


def test_the_wrap_up_lasts_as_long_as_the_video_until_calls_are_taken_again(desk: TestDesk, anna: Browser) -> None:
    wrapping_up(desk, anna)
    assert join(desk, anna, waits_in_room(desk)) == 200
    desk.clock.advance(seconds=1800)
    assert state_of(desk) is AgentState.WRAP_UP and "Work after the call" in anna.get("/agent").text
    assert wish(anna, "available").status_code == 303
    assert state_of(desk) is AgentState.AVAILABLE


def test_who_was_free_for_calls_is_paused_in_a_room(desk: TestDesk, anna: Browser) -> None:
    wish(anna, "available")
    assert join(desk, anna, waits_in_room(desk)) == 200
    assert (state_of(desk), desk.queues.scene().agents[0].reason) == (AgentState.PAUSED, "video")


def test_who_takes_no_calls_only_joins(desk: TestDesk) -> None:
    number = waits_in_room(desk)
    assert join(desk, logged_in(desk, "olga"), number) == 200
