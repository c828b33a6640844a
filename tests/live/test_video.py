"""A caller, a guest with a link and an agent of the desk in one video room of a real telephone system."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from ivr.testing.sip_peer import SipPeer
from tests.lab import control
from tests.live.bots import EXIT_HZ, HEARD_HZ, HOLD_HZ, LiveBot, answered, caller, hears, live, running_bot
from tests.live.rooms import (
    ROOM_ENVIRON,
    browsers,
    grows,
    is_heard,
    join,
    log_in,
    need_browsers,
    room_settings,
    rooms_get_empty,
)
from tests.live.test_desk import first_password
from tests.ports import ports_of
from tests.services.http_server import HttpServer, answer

pytestmark = pytest.mark.live

DESK_PORT, HOOK_PORT = ports_of("video", 2)
DESK = f"127.0.0.1:{DESK_PORT}"
FIRST_HZ, AFTER_HZ, NOBODY_HZ, FAILED_HZ = HEARD_HZ["agent"], HEARD_HZ["sales"], EXIT_HZ["busy"], EXIT_HZ["failed"]


def sound(hz: int) -> str:
    return f"sounds/t{hz}.wav"


def video_flow(name: str, wait_for: str) -> dict[str, Any]:
    video = {
        "room": "support",
        "announce": sound(FIRST_HZ),
        "wait_for": wait_for,
        "invite": [{"webhook": "sms", "text": "Your video call: {link}"}],
    }
    show = {
        "video": video,
        "waiting": {"play": sound(HOLD_HZ), "after": "0s"},
        "nobody": "nobody",
        "failed": "failed",
        "after": "after",
    }
    steps: dict[str, Any] = {"show": show}
    steps |= {
        step: {"say": sound(hz), "next": "hang_up"}
        for step, hz in (("nobody", NOBODY_HZ), ("failed", FAILED_HZ), ("after", AFTER_HZ))
    }
    return {"flow": name, "language": "en-US", "start": "show", "steps": steps}


@pytest.fixture(scope="module")
def video_bot(lab: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    need_browsers()
    hook = {"url": f"http://127.0.0.1:{HOOK_PORT}/sms", "allow_private": True}
    with running_bot(
        tmp_path_factory.mktemp("video"),
        control.RTP_TRUNK_PORT,
        environ={"IVR_WEB__LISTEN": DESK, **ROOM_ENVIRON},
        flows=[video_flow("video", "60s"), video_flow("alone", "3s")],
        settings={
            "video": {"support": room_settings()},
            "send": {"webhooks": {"sms": hook}},
            "numbers": {"701": {"flow": "video"}, "702": {"flow": "alone"}},
        },
    ) as bot:
        yield bot


@pytest.fixture(autouse=True)
def _rooms_are_empty(lab: ModuleType) -> Iterator[None]:
    yield
    rooms_get_empty()


def hook() -> HttpServer:
    """The gateway for text messages."""
    return HttpServer(port=HOOK_PORT).on("/sms", answer())


async def link_in(server: HttpServer) -> str:
    """What the caller was sent."""
    deadline = time.monotonic() + 30
    while not server.received:
        assert time.monotonic() < deadline, "no invitation was sent"
        await asyncio.sleep(0.1)
    told = json.loads(server.received[-1].body)
    told = told.get("data", told)
    assert told["text"] == f"Your video call: {told['link']}"
    return str(told["link"])


@live
async def test_caller_guest_and_agent_meet_and_the_caller_is_back_when_they_leave(video_bot: LiveBot) -> None:
    password = await asyncio.to_thread(first_password, video_bot)
    uri = video_bot.uri.replace("live@", "701@")
    async with (
        hook() as server,
        browsers(3) as (guest, agent, stranger),
        SipPeer(user="seeing") as phone,
    ):
        await log_in(agent, password, DESK)
        call = await answered(phone.dial(uri, timeout_s=10))
        await hears(call, FIRST_HZ)
        link = await link_in(server)
        await hears(call, HOLD_HZ, 15)
        await guest.goto(link)
        await join(guest)
        await agent.goto(f"http://{DESK}/video")
        await agent.get_by_role("link", name="Join").click()
        await join(agent)
        for page in (guest, agent):
            await grows(page, "frames")
        await is_heard(call)
        call.send_tone(440, 60.0)
        for page in (guest, agent):
            await grows(page, "energy")
        refused = await stranger.goto(link)
        assert refused is not None and refused.status == 410
        await agent.get_by_role("button", name="Leave").click()
        await guest.goto("about:blank")  # as a tab that is closed
        await hears(call, AFTER_HZ, 60, after_s=0.0)
        await call.wait_ended(20)
    record = await asyncio.to_thread(video_bot.record_of, "seeing", within_s=20)
    (step,) = [step for step in record["steps"] if step["kind"] == "video"]
    assert step["outcome"] == "after" and "guest" in step["detail"] and "operator" in step["detail"]


@live
async def test_a_caller_whom_nobody_joins_hears_the_flow_again(video_bot: LiveBot) -> None:
    async with hook() as server, browsers(1) as (page,), SipPeer(user="alone") as phone:
        call = await answered(phone.dial(video_bot.uri.replace("live@", "702@"), timeout_s=10))
        await hears(call, HOLD_HZ, 15)
        link = await link_in(server)
        await hears(call, NOBODY_HZ, 30)
        await call.wait_ended(20)
        late = await page.goto(link)
        assert late is not None and late.status == 410
    record = await asyncio.to_thread(video_bot.record_of, "alone", within_s=20)
    assert [step["outcome"] for step in record["steps"] if step["kind"] == "video"] == ["nobody"]


@live
async def test_a_telephone_with_video_is_sent_into_the_room_itself(video_bot: LiveBot) -> None:
    password = await asyncio.to_thread(first_password, video_bot)
    uri, headers = video_bot.uri.replace("live@", "701@"), {"X-Offers-Video": "1"}
    async with browsers(1) as (agent,), caller() as phone:
        await log_in(agent, password, DESK)
        call = await answered(phone.dial(uri, headers=headers, timeout_s=10))
        await hears(call, HOLD_HZ, 15)
        await agent.goto(f"http://{DESK}/video")
        await agent.get_by_role("link", name="Join").click()
        await join(agent)
        await call.wait_ended(30)
        assert call.transferred_to is not None
        call.transferred_to.send_tone(440, 30.0)
        await is_heard(call.transferred_to)
        await grows(agent, "energy")
        await call.transferred_to.hang_up()
    record = await asyncio.to_thread(video_bot.record_of, "caller", within_s=20)
    assert record["end_reason"] == "transferred"
    (step,) = [step for step in record["steps"] if step["kind"] == "video"]
    assert step["outcome"] == "joined" and "operator" in step["detail"]
