"""The desk in a real browser: from the first login to the record of a call whose caller tries to be HTML."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from playwright.async_api import Dialog, Page, ViewportSize, async_playwright, expect

from ivr.acd.agent import Act
from ivr.acd.queue import WaitingCall
from ivr.config_queues import QueueSettings
from ivr.ports.people import Role, User
from ivr.storage.people import PeopleRepository
from ivr.storage.queues import DatabaseQueues
from ivr.testing.sip_peer import SipPeer
from ivr.web.passwords import hashed
from tests.live.bots import MENU_HZ, LiveBot, answered, hears, live, running_bot, wait_until
from tests.ports import ports_of

pytestmark = pytest.mark.live

PORT, DESK_PORT = ports_of("desk", 2)
DESK = f"127.0.0.1:{DESK_PORT}"
URL = f"http://{DESK}"
EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>"
USER = "%3Cb%3Eeve%3C%2Fb%3E"
PASSWORD = "a-long-password"
LIMIT_MS = 20_000
START_LIMIT_S = 60.0
"""The desk has the lowest priority: tests beside it come first."""
PHONE = ViewportSize(width=360, height=740)
QUEUES = {"sales": {"wrap_up": "5m", "dispositions": ["solved", "call_again"]}}
FLOW = {
    "flow": "noting",
    "language": "en-US",
    "start": "note",
    "variables": {"who": ""},
    "steps": {
        "note": {"set": {"who": "{{ call.name }}"}, "next": "wait"},
        "wait": {"run": "live", "next": "bye"},
        "bye": {"hang_up": True},
    },
}


@pytest.fixture(scope="module")
def desk_bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    with running_bot(
        tmp_path_factory.mktemp("desk"),
        PORT,
        environ={"IVR_WEB__LISTEN": DESK},
        flows=[FLOW],
        settings={"default_flow": "noting", "queues": QUEUES},
    ) as bot:
        yield bot


@asynccontextmanager
async def pages(number: int) -> AsyncIterator[list[Page]]:
    """Pages of so many people in Debian's Chromium; a caller's script that runs in one of them fails the test."""
    expect.set_options(timeout=LIMIT_MS)  # else 5 s, and the desk has the lowest priority
    chromium = shutil.which("chromium")
    assert chromium, "chromium is missing: apt-get install -y chromium"
    alerts: list[str] = []
    complaints: list[str] = []

    async def noted(dialog: Dialog) -> None:
        if dialog.type != "beforeunload":
            alerts.append(dialog.message)
        await dialog.dismiss()

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        opened = [await (await browser.new_context(locale="en-GB")).new_page() for _ in range(number)]
        for page in opened:
            page.set_default_timeout(LIMIT_MS)
            page.on("dialog", noted)
            page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        yield opened
        assert alerts == [] and complaints == []
        await browser.close()


def first_password(bot: LiveBot) -> str:
    def told() -> list[str]:
        return re.findall(r"desk: first login: operator, password: (\S+)", bot.log())

    wait_until(lambda: bool(told()), START_LIMIT_S, bot.log)
    assert len(told()) == 1
    return str(told()[0])


@live
async def test_a_caller_who_is_html_is_text_from_the_call_to_the_page(desk_bot: LiveBot) -> None:
    password = await asyncio.to_thread(first_password, desk_bot)
    async with pages(1) as (page,), SipPeer(user="eve", display_name=EVIL) as phone:
        await page.goto(URL)
        await page.keyboard.type("operator")  # the first field has the focus
        await page.keyboard.press("Tab")
        await page.keyboard.type(password)
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(f"{URL}/wallboard")
        await expect(page.locator("#calls-today")).to_have_text("0")
        await page.evaluate("window.stays = true")
        call = await answered(
            phone.dial(desk_bot.uri, from_user=USER, headers={"X-Note": EVIL, "Subject": EVIL}, timeout_s=5)
        )
        await hears(call, MENU_HZ)
        await expect(page.locator("#in-progress")).to_have_text("1")
        await expect(page.locator("#calls-today")).to_have_text("1")
        assert await page.evaluate("window.stays"), "the figures changed without a new page"
        await shot(page, "wallboard")
        await call.hang_up()
        await expect(page.locator("#in-progress")).to_have_text("0")
        await page.get_by_role("link", name="Calls").click()
        await page.locator("tbody a").first.click()
        await expect(page.locator("main")).to_contain_text(EVIL)
        assert await page.locator("main img, main script, main b").count() == 0
        await shot(page, "call")
        await page.get_by_label("Language").select_option("de")
        await expect(page.locator("h2").first).to_have_text("Verlauf")
        await page.set_viewport_size(PHONE)
        for name in ("wallboard", "calls", "flows"):
            await page.goto(f"{URL}/{name}")
            width = await page.evaluate("document.documentElement.scrollWidth")
            assert width <= PHONE["width"], f"{name} is {width} px wide"
            await shot(page, f"phone-{name}")
        await page.get_by_role("button", name="Abmelden").press("Enter")
        await expect(page).to_have_url(f"{URL}/login")
    assert desk_bot.log().count("desk: first login") == 1


@live
async def test_a_supervisor_sees_at_once_what_an_agent_does(desk_bot: LiveBot) -> None:
    await asyncio.to_thread(first_password, desk_bot)
    await asyncio.to_thread(add_people, desk_bot)
    async with pages(2) as (wallboard, page):
        await log_in(wallboard, "sven")
        await log_in(page, "anna")
        await expect(page).to_have_url(f"{URL}/agent")
        await expect(page.locator("#state")).to_have_text("logged out")
        row = wallboard.get_by_role("row", name="anna")
        await expect(row).to_contain_text("logged out")
        await page.get_by_role("button", name="Take calls").press("Enter")
        await expect(page.locator("#state")).to_have_text("available")
        await expect(row).to_contain_text("available")
        await page.get_by_label("Reason of the pause").fill(EVIL)
        await page.keyboard.press("Enter")
        await expect(page.locator("#state")).to_have_text("paused")
        await expect(row).to_contain_text(EVIL)
        await page.set_viewport_size(PHONE)
        await shot(page, "agent")
        await shot(wallboard, "wallboard-agents")
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@live
async def test_an_agent_has_the_call_before_the_eyes_from_ringing_to_the_note(desk_bot: LiveBot) -> None:
    await asyncio.to_thread(first_password, desk_bot)
    await asyncio.to_thread(add_people, desk_bot)
    async with pages(2) as (page, board), SipPeer(user="waits") as phone:
        call = await answered(phone.dial(desk_bot.uri, timeout_s=5))
        await hears(call, MENU_HZ)
        await log_in(page, "anna")
        await page.get_by_role("button", name="Take calls").click()
        await expect(page.locator("#state")).to_have_text("available")
        await log_in(board, "sven")
        call_id = await open_call(board)
        queues = opened_queues(desk_bot)
        now = datetime.now(UTC)
        queues.enter(WaitingCall(call_id, "sales", "test/1", now - timedelta(seconds=75), now, context=TOLD), now)
        (ring,) = queues.tick("test/1", now)
        await expect(page).to_have_title(re.compile("^☎ A call for you"))
        card = page.locator("[data-part=call]")
        await expect(card).to_contain_text(EVIL)
        await expect(card).to_contain_text("order number")
        await shots(page, "agent-rings")
        assert queues.connect(ring.offer_id, datetime.now(UTC))
        await expect(card).to_contain_text("You are talking")
        await expect(page).to_have_title("My desk · ivr")
        await expect(card.locator("[data-count=up]")).not_to_have_text("0:00")
        await shots(page, "agent-talks")
        queues.end(call_id, datetime.now(UTC))
        note = page.get_by_label("Note")
        await note.press_sequentially(f"to be called back\n{EVIL}")
        await page.get_by_label("Result of the call").select_option("call_again")
        await shots(page, "agent-wrap-up")
        queues.agent_acts("anna", Act.READY, datetime.now(UTC))  # as if the time were over
        await expect(page.get_by_text("What you have written can still be saved.")).to_be_visible()
        await expect(card).to_be_empty()
        await expect(note).to_have_value(f"to be called back\n{EVIL}")
        await shots(page, "agent-late")
        async with page.expect_event("dialog"):  # whether to leave what was written: no
            await page.get_by_role("button", name="End work").click(no_wait_after=True)
        await expect(note).to_have_value(f"to be called back\n{EVIL}")
        await page.get_by_role("button", name="Save, and take calls").press("Enter")
        await expect(note).to_have_count(0)
        await expect(page.locator("#state")).to_have_text("available")
        queues.close()
        await board.goto(f"{URL}/calls/{call_id}")
        row = board.get_by_role("row", name="anna")
        await expect(row).to_contain_text("call_again")
        await expect(row).to_contain_text(EVIL)
        await shots(board, "call-with-talk")
        await board.goto(f"{URL}/wallboard")
        await expect(board.locator("svg .goal")).to_have_count(1)  # the day's events are read every 10 s
        await shots(board, "wallboard-service")
        await call.hang_up()


TOLD = {
    "caller": EVIL,
    "flow": "noting",
    "language": "en-US",
    "answers": {"order_number": "4711", "is_urgent": True, EVIL: EVIL, "what_for": "my parcel has not come yet " * 9},
}


async def open_call(board: Page) -> str:
    """The id of the call in progress, by its link on the wallboard."""
    link = board.locator("main a[href^='/calls/']").first
    return str(await link.get_attribute("href")).rsplit("/", 1)[1]


def opened_queues(bot: LiveBot) -> DatabaseQueues:
    """As a worker has them."""
    rules = QueueSettings.model_validate(QUEUES["sales"])
    return DatabaseQueues(f"sqlite:///{bot.folder}/var/calls.db", {"sales": rules}, lease_s=600.0)


def add_people(bot: LiveBot) -> None:
    """A supervisor, and an agent with a telephone."""
    url, now = f"sqlite:///{bot.folder}/var/calls.db", datetime.now(UTC)
    with PeopleRepository(url) as people:
        if people.users()[0].name == "anna":
            return
        people.add(User("sven", Role.SUPERVISOR, "", now), hashed(PASSWORD))
        people.add(User("anna", Role.AGENT, "", now), hashed(PASSWORD))
    queues = DatabaseQueues(url, {})
    queues.add_agent("anna", "sip:anna@127.0.0.1", {})
    queues.close()


async def log_in(page: Page, name: str) -> None:
    await page.goto(URL)
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")


@live
async def test_the_death_of_the_desk_is_of_no_matter_to_a_call(desk_bot: LiveBot) -> None:
    await asyncio.to_thread(first_password, desk_bot)
    async with SipPeer(user="talking") as phone:
        call = await answered(phone.dial(desk_bot.uri, timeout_s=5))
        await hears(call, MENU_HZ)
        assert (await asyncio.to_thread(health))["calls"] == 1
        (killed,) = desk_processes(desk_bot)
        os.kill(killed, signal.SIGKILL)
        assert (await asyncio.to_thread(health))["calls"] == 1, "another process answers, and the call goes on"
        assert killed not in desk_processes(desk_bot) and not call.is_ended
        await call.hang_up()


def health() -> dict[str, Any]:
    with urlopen(f"{URL}/health", timeout=START_LIMIT_S) as answer:
        return dict(json.load(answer))


def desk_processes(bot: LiveBot) -> list[int]:
    """Those that the bot has started."""
    children = Path(f"/proc/{bot.process.pid}/task").glob("*/children")
    pids = [int(pid) for file in children for pid in file.read_text().split()]
    return [pid for pid in pids if b"ivr.desk_process" in Path(f"/proc/{pid}/cmdline").read_bytes()]


async def shots(page: Page, name: str) -> None:
    """In light and dark, at a desk and on a telephone, which nothing is to be too wide for."""
    wide = page.viewport_size or ViewportSize(width=1280, height=720)
    for colors in ("light", "dark"):
        await page.emulate_media(color_scheme=colors)
        await shot(page, f"{name}-{colors}")
        await page.set_viewport_size(PHONE)
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], f"{name} is {width} px wide"
        await shot(page, f"{name}-{colors}-phone")
        await page.set_viewport_size(wide)


async def shot(page: Page, name: str) -> None:
    """For eyes: kept where `IVR_SCREENSHOTS` says."""
    if folder := os.environ.get("IVR_SCREENSHOTS"):
        await page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
