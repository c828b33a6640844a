"""The telephone in an agent's page: a caller at the bot and a browser with a microphone, through a real switch."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest
from playwright.async_api import Page, Route, async_playwright, expect

from ivr.ports.people import Role, User
from ivr.storage.people import PeopleRepository
from ivr.storage.queues import DatabaseQueues
from ivr.testing.sip_peer import PeerCall, SipPeer
from ivr.testing.sip_peer.measure import tone, tone_level_dbfs
from ivr.testing.sip_peer.recording import write_wav
from ivr.web.passwords import hashed
from tests.lab import control
from tests.live.bots import (
    EXIT_HZ,
    HOLD_HZ,
    TARGETS,
    WHISPER_HZ,
    LiveBot,
    answered,
    hears,
    live,
    now_s,
    running_bot,
    wait_until,
)
from tests.live.test_desk import first_password
from tests.ports import ports_of

pytestmark = pytest.mark.live

DESK = f"127.0.0.1:{ports_of('phone_page', 1)[0]}"
URL = f"http://{DESK}"
PASSWORD = "a-long-password"
LIMIT_MS = 30_000
AGENT_HZ, CALLER_HZ = 1330, 440
REFUSED_HZ = EXIT_HZ["refused"]
HEARD_DBFS = -40.0
WINDOW = 3200
"""Samples, 0.4 s."""
FLOW = {
    "flow": "to_desk",
    "language": "en-US",
    "start": "to_desk",
    "steps": {
        "to_desk": {
            "transfer": {
                "to": "desk",
                "mode": "bridge",
                "ring_for": "40s",
                "hold": f"sounds/t{HOLD_HZ}.wav",
                "accept": "key",
                "accept_within": "40s",
                "whisper": f"sounds/t{WHISPER_HZ}.wav",
            },
            "failed": "refused",
        },
        "refused": {"say": f"sounds/t{REFUSED_HZ}.wav", "next": "bye"},
        "bye": {"hang_up": True},
    },
}
ENERGY = """async () => {
  let energy = 0;
  (await document.querySelector("[data-phone]").connection.getStats()).forEach((each) => {
    if (each.type === "inbound-rtp") energy += each.totalAudioEnergy || 0;
  });
  return energy;
}"""
ASKED = """async () => {
  const csrf = document.querySelector("input[name=csrf]").value;
  const answer = await fetch("/agent/phone", {method: "POST", body: new URLSearchParams({csrf, agent: "anna"})});
  return [answer.status, await answer.text()];
}"""


@pytest.fixture(scope="module")
def phone_bot(lab: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    if not control.takes_browsers():
        reason = f"{control.BROWSER_HOST} is no address of this machine; as root: tests/lab/lab.sh up"
        (pytest.fail if os.environ.get("IVR_REQUIRE_ALL") == "1" else pytest.skip)(reason)
    login = control.WEB_AGENT_1
    phone = {
        "websocket": control.WEBSOCKET,
        "domain": control.HOST,
        "agents": {"anna": {"username": login.username, "password": "${PHONE_ANNA}"}},
    }
    with running_bot(
        tmp_path_factory.mktemp("phone"),
        control.RTP_TRUNK_PORT,
        environ={"IVR_WEB__LISTEN": DESK, "PHONE_ANNA": login.password},
        flows=[FLOW],
        settings={
            "default_flow": "to_desk",
            "web": {"phone": phone},
            "targets": {
                "desk": {"sip": control.number(2101)},
                **{name: {"sip": control.number(number)} for name, number in TARGETS.items()},
            },
        },
    ) as bot:
        first_password(bot)
        add_people(bot)
        yield bot


def add_people(bot: LiveBot) -> None:
    url, now = f"sqlite:///{bot.folder}/var/calls.db", datetime.now(UTC)
    with PeopleRepository(url) as people:
        for name in ("anna", "otto"):
            people.add(User(name, Role.AGENT, "", now), hashed(PASSWORD))
    queues = DatabaseQueues(url, {})
    queues.add_agent("anna", control.number(2101), {})
    queues.add_agent("otto", control.number(2012), {})
    queues.close()


@pytest.fixture(autouse=True)
def _switch_is_empty(lab: ModuleType) -> Iterator[None]:
    yield
    wait_until(lambda: control.channels() == 0, 30, lambda: control.asterisk_cli("core show channels"))


@asynccontextmanager
async def browser(folder: Path, url: str = URL) -> AsyncIterator[tuple[Page, Page]]:
    """Pages of anna and otto, whose microphones hear a tone."""
    expect.set_options(timeout=LIMIT_MS)
    chromium = shutil.which("chromium")
    assert chromium, "chromium is missing: apt-get install -y chromium"
    write_wav(folder / "voice.wav", tone(AGENT_HZ, 10.0))
    arguments = [
        "--no-sandbox",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={folder / 'voice.wav'}",
    ]
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=chromium, args=arguments, ignore_default_args=["--mute-audio"]
        )
        opened = []
        for name in ("anna", "otto"):
            page = await (await launched.new_context(locale="en-GB", permissions=["microphone"])).new_page()
            page.set_default_timeout(LIMIT_MS)
            await page.goto(url)
            await page.get_by_label("Name").fill(name)
            await page.get_by_label("Password").fill(PASSWORD)
            await page.keyboard.press("Enter")
            await expect(page).to_have_url(f"{url}/agent")
            opened.append(page)
        try:
            yield opened[0], opened[1]
        finally:
            await launched.close()


async def is_shown(page: Page, state: str) -> None:
    await expect(page.locator("[data-phone]")).to_have_attribute("data-shown", state)


async def heard_level(call: PeerCall, hz: float, *, is_loud: bool) -> None:
    """From now on the caller hears the tone, or does not."""
    start, deadline = len(call.received_audio()), time.monotonic() + 20
    while True:
        audio = call.received_audio()
        if len(audio) > start + WINDOW and (tone_level_dbfs(audio[-WINDOW:], hz) > HEARD_DBFS) is is_loud:
            return
        assert time.monotonic() < deadline, f"{hz} Hz {'is not' if is_loud else 'is still'} heard"
        await asyncio.sleep(0.1)


async def energy_grows(page: Page) -> None:
    before, deadline = await page.evaluate(ENERGY), time.monotonic() + 20
    while await page.evaluate(ENERGY) <= before + 0.001:
        assert time.monotonic() < deadline, "nothing is heard in the page"
        await asyncio.sleep(0.2)


async def rings(page: Page, phone: SipPeer, bot: LiveBot) -> PeerCall:
    """A call that has come as far as the page."""
    call = await answered(phone.dial(bot.uri, timeout_s=10))
    await hears(call, HOLD_HZ, 20)
    await is_shown(page, "ringing")
    return call


async def taken(page: Page) -> None:
    """Answered by a key, and accepted by another."""
    await page.keyboard.press("F8")
    await is_shown(page, "talking")
    await page.get_by_role("button", name="1", exact=True).press("1")


@live
async def test_an_agent_telephones_in_his_page(phone_bot: LiveBot, tmp_path: Path) -> None:
    async with browser(tmp_path) as (page, other), SipPeer(user="eve", display_name="<b>Eve</b>") as phone:
        sent: list[str] = []
        page.on("websocket", lambda line: line.on("framesent", lambda frame: sent.append(str(frame))))
        status, text = await other.evaluate(ASKED)
        assert status == 404 and "secret" not in text, "the account is anna's only"
        assert await other.locator("[data-phone]").count() == 0

        await page.get_by_role("button", name="Switch the telephone on").press("Enter")
        await is_shown(page, "ready")
        call = await rings(page, phone, phone_bot)
        await expect(page.locator("[data-phone]")).to_have_attribute("data-rings", "1")
        await taken(page)
        await heard_level(call, AGENT_HZ, is_loud=True)
        assert sent and not [text for text in sent if text.startswith("INFO ")], "keys are sent in the audio"
        call.send_tone(CALLER_HZ, 120.0)
        await energy_grows(page)

        await page.get_by_role("button", name="Mute").press("Enter")
        await heard_level(call, AGENT_HZ, is_loud=False)
        await page.get_by_role("button", name="Mute").press("Enter")
        await heard_level(call, AGENT_HZ, is_loud=True)

        await page.get_by_role("button", name="Hold").press("Enter")
        await is_shown(page, "held")
        await heard_level(call, control.HOLD_HZ, is_loud=True)
        await heard_level(call, AGENT_HZ, is_loud=False)
        await page.get_by_role("button", name="Hold").press("Enter")
        await is_shown(page, "talking")
        await heard_level(call, AGENT_HZ, is_loud=True)

        await page.get_by_role("button", name="Pause").click()  # a form that would load the page anew
        await expect(page.locator("[data-phone]")).to_have_attribute("data-shown", "talking")
        await page.get_by_label("Transfer to").fill("2012")
        await page.keyboard.press("Enter")
        await hears(call, control.TONE_HZ, 30, after_s=now_s(call))
        await is_shown(page, "ready")
        await call.hang_up()


@live
async def test_a_call_is_declined_and_another_ended_by_the_agent(phone_bot: LiveBot, tmp_path: Path) -> None:
    async with browser(tmp_path) as (page, _), SipPeer(user="kim") as phone:
        await page.get_by_role("button", name="Switch the telephone on").click()
        await is_shown(page, "ready")
        call = await rings(page, phone, phone_bot)
        await page.keyboard.press("F9")
        await is_shown(page, "ready")
        await hears(call, REFUSED_HZ, 20)
        await call.wait_ended(20)
        await page.reload()
        await is_shown(page, "ready")  # by itself: it was switched on
        call = await rings(page, phone, phone_bot)
        await taken(page)
        await heard_level(call, AGENT_HZ, is_loud=True)
        await page.keyboard.press("F9")
        await is_shown(page, "ready")
        await call.wait_ended(20)
        await page.get_by_role("button", name="Switch off").click()
        await is_shown(page, "off")


@live
async def test_who_is_logged_out_during_a_call_keeps_it(phone_bot: LiveBot, tmp_path: Path) -> None:
    said, refused = [": alive\n\n"], [503]

    async def events(route: Route) -> None:
        if refused:
            await route.fulfill(status=refused.pop())
        else:
            await route.fulfill(content_type="text/event-stream", body=f"retry: 500\n{said[0]}")

    async with browser(tmp_path) as (page, _), SipPeer(user="mia") as phone:
        await page.route("**/agent/events", events)
        await page.reload()
        await page.get_by_role("button", name="Switch the telephone on").click()
        await is_shown(page, "ready")
        call = await rings(page, phone, phone_bot)
        await taken(page)
        assert not refused, "a stream that was refused is asked for again"
        said[0] = "event: over\ndata: -\n\n"
        await expect(page.locator("[data-logged-out]")).to_be_visible()
        await is_shown(page, "talking")
        await heard_level(call, AGENT_HZ, is_loud=True)
        async with page.expect_request("**/login"):
            await page.keyboard.press("F9")
        await call.wait_ended(20)
