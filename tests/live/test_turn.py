"""Pages behind a firewall: audio and video go through a TURN server, with logins that the desk makes."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from playwright.async_api import Page

from ivr.testing.sip_peer import SipPeer
from tests.lab import control
from tests.live.bots import EXIT_HZ, HOLD_HZ, LiveBot, answered, hears, live, running_bot, sound, wait_until
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
from tests.live.test_phone_page import (
    AGENT_HZ,
    CALLER_HZ,
    FLOW,
    PASSWORD,
    add_people,
    browser,
    energy_grows,
    heard_level,
    is_shown,
    rings,
    taken,
)
from tests.ports import ports_of

TURNSERVER = shutil.which("turnserver")
pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(TURNSERVER is None, reason="turnserver is not installed (Debian: coturn; make test does)"),
]

DESK_PORT, TURN_PORT, FIRST_RELAY_PORT, *_, LAST_RELAY_PORT = ports_of("turn", 20)
DESK = f"127.0.0.1:{DESK_PORT}"
SECRET = "shared-with-the-turn-server"
LOGIN = re.compile(r"user <(\d+:[0-9a-f]{16})>")
LINK = re.compile(rf"http://{re.escape(DESK)}/v/[A-Za-z0-9_-]{{43}}")
RELAY_ONLY = """
const Straight = RTCPeerConnection;
window.RTCPeerConnection = class extends Straight {
  constructor(settings) { super({...settings, iceTransportPolicy: "relay"}); }
  setRemoteDescription({type, sdp}) {
    return super.setRemoteDescription({type, sdp: sdp.replaceAll("OFFERED", "USED")});
  }
};
""".replace("OFFERED", control.BROWSER_HOST).replace("USED", control.HOST)
"""The page finds no other way than through a TURN server. That lets in what comes from addresses which the page was
told; the lab's Asterisk offers one address to browsers, and sends from another."""
WAYS = """async (where) => {
  const stats = await document.querySelector(where).connection.getStats(), found = [];
  stats.forEach((each) => {
    if (each.type === "candidate-pair" && each.state === "succeeded" && each.bytesReceived > 0)
      found.push(stats.get(each.localCandidateId).candidateType);
  });
  return found;
}"""


def video_flow() -> dict[str, Any]:
    invited = {"mail": "caller", "text": "{link}"}
    show = {
        "video": {"room": "support", "wait_for": "90s", "invite": [invited]},
        "waiting": {"play": sound(HOLD_HZ), "after": "0s"},
        "failed": "failed",
    }
    steps = {"show": show, "failed": {"say": sound(EXIT_HZ["failed"]), "next": "hang_up"}}
    return {"flow": "video", "language": "en-US", "start": "show", "steps": steps}


@contextmanager
def turn_server(folder: Path) -> Iterator[None]:
    """coturn, as an operator sets it up: logins from a shared secret, nobody else."""
    assert TURNSERVER
    log = folder / "turn.log"
    options = {
        "listening-ip": control.BROWSER_HOST,
        "relay-ip": control.HOST,
        "listening-port": TURN_PORT,
        "min-port": FIRST_RELAY_PORT,
        "max-port": LAST_RELAY_PORT,
        "realm": "turn.example.org",
        "static-auth-secret": SECRET,
        "userdb": folder / "turn.db",
        "pidfile": folder / "turn.pid",
    }
    flags = (
        "-n",
        "--use-auth-secret",
        "--fingerprint",
        "--no-cli",
        "--no-tls",
        "--no-dtls",
        "--no-multicast-peers",
        "--allow-loopback-peers",
        "-v",
    )
    command = [TURNSERVER, *flags, "--log-file=stdout", *(f"--{name}={value}" for name, value in options.items())]
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=folder)
        try:
            wait_until(lambda: "listener opened" in log.read_text(), 20, log.read_text)
            yield
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture(scope="module")
def turn_bot(lab: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    need_browsers()
    login = control.WEB_AGENT_1
    ice = {
        "turn": [f"turn:{control.BROWSER_HOST}:{TURN_PORT}?transport=udp"],
        "secret": "${TURN_SECRET}",
        "valid": "10m",
    }
    phone = {
        "websocket": control.WEBSOCKET,
        "domain": control.HOST,
        "agents": {"anna": {"username": login.username, "password": "${PHONE_ANNA}"}},
    }
    with running_bot(
        tmp_path_factory.mktemp("turn"),
        control.RTP_TRUNK_PORT,
        environ={"IVR_WEB__LISTEN": DESK, "TURN_SECRET": SECRET, "PHONE_ANNA": login.password, **ROOM_ENVIRON},
        flows=[video_flow(), FLOW],
        settings={
            "default_flow": "to_desk",
            "numbers": {"701": {"flow": "video"}},
            "web": {"phone": phone, "ice": ice},
            "video": {"support": room_settings()},
            "send": {
                "mail": {
                    "folder": "mails",
                    "sender": "ivr@example.com",
                    "recipients": {"caller": "caller@example.com"},
                }
            },
            "targets": {"desk": {"sip": control.number(2101)}},
        },
    ) as bot:
        first_password(bot)
        add_people(bot)
        yield bot


@pytest.fixture(autouse=True)
def _rooms_are_empty(lab: ModuleType) -> Iterator[None]:
    yield
    rooms_get_empty()


async def goes_by_relay(page: Page, where: str) -> None:
    """What the page receives comes through the TURN server and by no other way."""
    assert set(await page.evaluate(WAYS, where)) == {"relay"}


def logins_at(folder: Path) -> set[str]:
    """Names by which pages came to the TURN server."""
    return set(LOGIN.findall((folder / "turn.log").read_text()))


@live
async def test_a_guest_who_gets_out_by_a_turn_server_only_is_in_the_room(turn_bot: LiveBot, tmp_path: Path) -> None:
    mails = turn_bot.folder / "mails"
    with turn_server(tmp_path):
        async with browsers(2) as (guest, second), SipPeer(user="behind") as phone:
            call = await answered(phone.dial(turn_bot.uri.replace("live@", "701@"), timeout_s=10))
            await hears(call, HOLD_HZ, 20)
            await asyncio.to_thread(wait_until, lambda: any(mails.glob("*.eml")), 30, lambda: "no mail was written")
            found = LINK.search(next(mails.glob("*.eml")).read_text())
            assert found
            await guest.add_init_script(RELAY_ONLY)
            await guest.goto(found[0])
            await join(guest)
            await log_in(second, PASSWORD, DESK, "anna")
            await second.goto(f"http://{DESK}/video")
            await second.get_by_role("link", name="Join").click()
            await join(second)
            for page in (guest, second):
                await grows(page, "frames")
            await is_heard(call)
            call.send_tone(CALLER_HZ, 60.0)
            await grows(guest, "energy")
            await goes_by_relay(guest, "[data-video]")
            await call.hang_up()
    assert logins_at(tmp_path), "each page comes by a login of its own"


@live
async def test_an_agent_telephones_by_a_turn_server_only(turn_bot: LiveBot, tmp_path: Path) -> None:
    with turn_server(tmp_path):
        async with browser(tmp_path, f"http://{DESK}") as (page, _), SipPeer(user="eve") as phone:
            await page.add_init_script(RELAY_ONLY)
            await page.reload()
            await page.get_by_role("button", name="Switch the telephone on").click()
            await is_shown(page, "ready")
            call = await rings(page, phone, turn_bot)
            await taken(page)
            await heard_level(call, AGENT_HZ, is_loud=True)
            call.send_tone(CALLER_HZ, 60.0)
            await energy_grows(page)
            await goes_by_relay(page, "[data-phone]")
            await page.keyboard.press("F9")
            await call.wait_ended(20)
    assert logins_at(tmp_path)


@live
async def test_a_turn_server_that_is_not_there_holds_no_call_up(turn_bot: LiveBot, tmp_path: Path) -> None:
    async with browser(tmp_path, f"http://{DESK}") as (page, _), SipPeer(user="kim") as phone:
        await page.get_by_role("button", name="Switch the telephone on").click()
        await is_shown(page, "ready")
        call = await rings(page, phone, turn_bot)
        await taken(page)
        await heard_level(call, AGENT_HZ, is_loud=True)
        await page.keyboard.press("F9")
        await call.wait_ended(20)
