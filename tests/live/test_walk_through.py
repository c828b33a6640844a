"""The walk of README.md: a caller, an agent's page that is her telephone, a talk, video, and the record."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest
from playwright.async_api import Page, ViewportSize, async_playwright, expect
from playwright.async_api import TimeoutError as PlaywrightTimeout

from ivr.ports.people import Role, User
from ivr.storage.people import PeopleRepository
from ivr.storage.queues import DatabaseQueues
from ivr.testing.sip_peer import PeerCall, SipPeer
from ivr.testing.sip_peer.measure import tone
from ivr.testing.sip_peer.recording import write_wav
from ivr.web.passwords import hashed
from tests.lab import control
from tests.live.bots import SPEECH, LiveBot, answered, live, serving
from tests.live.rooms import (
    CAMERA,
    LIMIT_MS,
    ROOM_ENVIRON,
    grows,
    is_heard,
    join,
    log_in,
    need_browsers,
    rooms_get_empty,
)
from tests.live.test_phone_page import AGENT_HZ, CALLER_HZ, energy_grows, heard_level, is_shown
from tests.ports import ports_of, rtp_port_of

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

PROJECT = Path(__file__).parents[2] / "examples" / "desk"
PORT, DESK_PORT = ports_of("walk_through", 2)
DESK = f"127.0.0.1:{DESK_PORT}"
URL = f"http://{DESK}"
PASSWORD = "a-long-password"
ORDER = "4712"
SIZE = ViewportSize(width=900, height=800)
ENVIRON = {
    "IVR_SIP__PORT": str(PORT),
    "IVR_SIP__RTP_PORT": str(rtp_port_of(PORT)),
    "IVR_WEB__LISTEN": DESK,
    "PBX_PASSWORD": control.BOT.password,
    "PHONE_ANNA": control.WEB_AGENT_1.password,
    **ROOM_ENVIRON,
}


@pytest.fixture
def helpdesk(lab: ModuleType, tmp_path: Path) -> Iterator[LiveBot]:
    """The project as it is shipped, at other ports."""
    need_browsers()
    folder = tmp_path / "desk"
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("var"))
    url = f"sqlite:///{folder}/var/calls.db"
    with PeopleRepository(url) as people:
        people.add(User("anna", Role.SUPERVISOR, "", datetime.now(UTC)), hashed(PASSWORD))
    queues = DatabaseQueues(url, {})
    queues.add_agent("anna", control.number(2101), {})
    queues.close()
    with serving(folder, PORT, environ=ENVIRON) as bot:
        yield bot


@live
async def test_from_the_call_by_a_person_and_video_to_the_record(helpdesk: LiveBot, tmp_path: Path) -> None:
    write_wav(tmp_path / "voice.wav", tone(AGENT_HZ, 10.0))
    expect.set_options(timeout=LIMIT_MS)
    chromium = shutil.which("chromium")
    assert chromium, "chromium is missing: apt-get install -y chromium"
    voice = f"--use-file-for-fake-audio-capture={tmp_path / 'voice.wav'}"
    async with async_playwright() as playwright, SipPeer(user="clara", display_name="Clara") as phone:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=[*CAMERA, voice], ignore_default_args=["--mute-audio"]
        )
        opened = [
            await browser.new_context(locale="en-GB", permissions=["camera", "microphone"], viewport=SIZE)
            for _ in range(2)
        ]
        anna, guest = [await context.new_page() for context in opened]
        await _log_in(anna)
        call = await answered(phone.dial(helpdesk.uri.replace("live@", "helpdesk@"), timeout_s=10))
        await _asks_for_a_person(call, anna)
        await _talk(call, anna)
        await _see_each_other(call, anna, guest)
        await asyncio.sleep(1.0)
        await call.press("1")  # it helped
        await call.wait_ended(30)
        record = await asyncio.to_thread(helpdesk.record_of, "clara", within_s=20)
        await _wrap_up(anna, record["id"])
        await browser.close()
    _holds_all_of_it(record)
    rooms_get_empty()


async def _log_in(page: Page) -> None:
    page.set_default_timeout(LIMIT_MS)
    await log_in(page, PASSWORD, DESK, "anna")
    await page.goto(f"{URL}/agent")
    await page.get_by_role("button", name="Take calls", exact=True).click()
    await page.get_by_role("button", name="Switch the telephone on").click()
    await is_shown(page, "ready")
    await shot(page, "ready")


async def _asks_for_a_person(call: PeerCall, page: Page) -> None:
    """By keys first, then by voice, again until it is heard: at some moments the bot only says something."""
    await asyncio.sleep(1.0)
    await call.press("1")
    await asyncio.sleep(1.5)
    await call.press(ORDER, duration_ms=80, gap_ms=80)
    deadline = time.monotonic() + 60
    while await page.locator("[data-phone]").get_attribute("data-shown") != "ringing":
        assert time.monotonic() < deadline, "nothing rings at the agent's page"
        call.send_wav(SPEECH / "spy-agent.wav")
        await _rings_soon(page)
    await expect(page.locator("[data-part=call]")).to_contain_text("A call for you")
    await expect(page.locator("[data-part=call] .answers")).to_contain_text(ORDER)
    await shot(page, "rings")


async def _rings_soon(page: Page) -> None:
    with suppress(PlaywrightTimeout):
        await page.wait_for_selector("[data-phone][data-shown=ringing]", timeout=6000)


async def _talk(call: PeerCall, page: Page) -> None:
    await page.keyboard.press("F8")
    await is_shown(page, "talking")
    await heard_level(call, AGENT_HZ, is_loud=True)
    call.send_tone(CALLER_HZ, 240.0)
    await energy_grows(page)
    await expect(page.locator("[data-part=call]")).to_contain_text("Key 9: the caller goes on by video.")
    await shot(page, "talk")


async def _see_each_other(call: PeerCall, anna: Page, guest: Page) -> None:
    await anna.get_by_role("button", name="Go on by video").click()
    await expect(anna.locator("#room")).to_be_visible()
    await shot(anna, "video-offered")
    link = await _link_in(call)
    await anna.locator("#room").click()
    await join(anna)
    await guest.goto(link)
    await join(guest)
    for page in (anna, guest):
        await grows(page, "frames")
        await grows(page, "energy")
    await is_heard(call)
    await shot(anna, "video")
    again = await guest.context.new_page()
    assert (refused := await again.goto(link)) is not None and refused.status == 410, "a link works once"
    await guest.get_by_role("button", name="Leave").click()
    await anna.get_by_role("button", name="Leave").click()
    await anna.goto(f"{URL}/agent")


async def _link_in(call: PeerCall) -> str:
    """What came to the caller's telephone within the call."""
    deadline = time.monotonic() + 30
    while not call.texts:
        assert time.monotonic() < deadline, "no link was sent"
        await asyncio.sleep(0.1)
    (text,) = call.texts
    said, _, link = text.rpartition(" ")
    assert said == "Your video call:" and link.startswith(f"{URL}/v/")
    return link


async def _wrap_up(page: Page, call_id: str) -> None:
    await expect(page.locator("[data-part=call]")).to_contain_text("Work after the call")
    await page.get_by_label("Result of the call").select_option("solved")
    await page.get_by_label("Note").fill("Showed how the lid opens.")
    await page.locator("[data-part=call]").scroll_into_view_if_needed()
    await shot(page, "wrap-up")
    await page.get_by_role("button", name="Save, and take calls").click()
    await expect(page.locator("#state")).to_have_text("available")
    await page.goto(f"{URL}/calls/{call_id}")
    await expect(page.locator("main")).to_contain_text("Showed how the lid opens.")
    await shot(page, "record")


async def shot(page: Page, name: str) -> None:
    """A picture of README.md, kept where `IVR_SCREENSHOTS` says."""
    if folder := os.environ.get("IVR_SCREENSHOTS"):
        await page.screenshot(path=Path(folder) / f"{name}.png")


def _holds_all_of_it(record: dict[str, object]) -> None:
    steps = record["steps"]
    assert isinstance(steps, list)
    told = {step["kind"]: (step["outcome"], step["meaning"], step["detail"]) for step in steps}
    assert told["queue"][:2] == ("returned", "anna")
    outcome, room, members = told["video"]
    assert (outcome, room) == ("after", "support") and "guest" in members and "anna" in members
    variables = record["variables"]
    assert isinstance(variables, dict) and variables["order"] == ORDER and variables["is_solved"] is True
    assert record["end_reason"] == "bot_hung_up"
