"""Video rooms of the lab in live tests: a bot that has them, browsers with a camera, what those and callers get."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright, expect

from ivr.testing.sip_peer import PeerCall
from ivr.testing.sip_peer.measure import level_dbfs
from tests.lab import control
from tests.live.bots import wait_until

LIMIT_MS = 30_000
SPEECH_DBFS = -50.0
"""Louder than this is somebody to be heard; the rooms add no noise of their own."""
CAMERA = (
    "--no-sandbox",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)

STATS = """async () => {
  const found = {frames: 0, energy: 0};
  const connection = document.querySelector("[data-video]").connection;
  if (connection) (await connection.getStats()).forEach((each) => {
    if (each.type !== "inbound-rtp") return;
    found.frames += each.framesDecoded || 0;
    found.energy += each.totalAudioEnergy || 0;
  });
  return found;
}"""


def need_browsers() -> None:
    """Leaves the test out, or fails it where nothing may be left out, where browsers cannot get into the lab."""
    if not control.takes_browsers():
        reason = f"{control.BROWSER_HOST} is no address of this machine; as root: tests/lab/lab.sh up"
        (pytest.fail if os.environ.get("IVR_REQUIRE_ALL") == "1" else pytest.skip)(reason)


def room_settings(**more: Any) -> dict[str, Any]:
    """Of the lab's rooms; the guests' password comes from the environment, see `ROOM_ENVIRON`."""
    return {
        "rooms": "500-509",
        "sip": control.number("{room}"),
        "websocket": control.WEBSOCKET,
        "domain": control.HOST,
        "guest": {"username": control.BROWSER.username, "password": "${VIDEO_PASSWORD}"},
        **more,
    }


ROOM_ENVIRON = {"VIDEO_PASSWORD": control.BROWSER.password}


def rooms_get_empty() -> None:
    """Every test gives its room back, and leaves nobody in it."""
    wait_until(lambda: control.channels() == 0, 30, lambda: control.asterisk_cli("core show channels"))


@asynccontextmanager
async def browsers(number: int) -> AsyncIterator[list[Page]]:
    """Pages of people who have a camera and a microphone."""
    expect.set_options(timeout=LIMIT_MS)
    chromium = shutil.which("chromium")
    assert chromium, "chromium is missing: apt-get install -y chromium"
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=chromium, args=list(CAMERA), ignore_default_args=["--mute-audio"]
        )
        opened = []
        for _ in range(number):
            context = await launched.new_context(locale="en-GB", permissions=["camera", "microphone"])
            opened.append(await context.new_page())
            opened[-1].set_default_timeout(LIMIT_MS)
        try:
            yield opened
        finally:
            for page in opened:  # a page that is closed without this leaves its call in the room
                await page.goto("about:blank")
            await launched.close()


async def join(page: Page) -> None:
    await page.get_by_role("button", name="Join").click()
    await expect(page.locator("[data-video]")).to_have_attribute("data-shown", "in")


async def log_in(page: Page, password: str, desk: str, name: str = "operator") -> None:
    await page.goto(f"http://{desk}/login")
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(password)
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(rf"http://{desk}/(wallboard|agent)$"))


async def grows(page: Page, what: str) -> None:
    """Something of what the page receives becomes more."""
    before = (await page.evaluate(STATS))[what]
    deadline = time.monotonic() + 40
    while (await page.evaluate(STATS))[what] <= before:
        assert time.monotonic() < deadline, f"{what} stay at {before}"
        await asyncio.sleep(0.3)


async def is_heard(call: PeerCall) -> None:
    """The caller hears somebody from now on."""
    deadline, length = time.monotonic() + 40, len(call.received_audio())
    while True:
        if len(new := call.received_audio()[length:]) > 1600 and level_dbfs(new[-1600:]) > SPEECH_DBFS:
            return
        assert time.monotonic() < deadline, "the caller hears nobody"
        await asyncio.sleep(0.1)
