"""Ways into a video room: the link on the caller's own telephone, the link in a mail, and a telephone with video."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any

import pytest
from playwright.async_api import Page

from ivr.testing.sip_peer import PeerCall, SipPeer
from tests.lab import control
from tests.live.bots import EXIT_HZ, HOLD_HZ, LiveBot, answered, caller, hears, live, running_bot, sound
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
from tests.services.test_mail import Mailbox, mail_server

pytestmark = pytest.mark.live

DESK_PORT, MAIL_PORT = ports_of("video_invitations", 2)
DESK = f"127.0.0.1:{DESK_PORT}"
DIGITS = 10
TEXT_NUMBER = "2091"
"""Takes texts for the lab's `caller`, see `control.takes_texts`."""
BY_TEXT, BY_MAIL, HIDDEN = "1041", "1042", "1043"
"""Numbers of the lab that lead to the bot."""
INVITATION = re.compile(rf"Your video call: (http://{re.escape(DESK)}/v/[A-Za-z0-9_-]{{43}})")


def video_flow(name: str, room: str = "support", **invitation: str) -> dict[str, Any]:
    """The caller waits for whoever is invited."""
    invited = {"text": "Your video call: {link}", **invitation}
    show = {
        "video": {"room": room, "wait_for": "90s", "invite": [invited]},
        "waiting": {"play": sound(HOLD_HZ), "after": "0s"},
        "failed": "failed",
    }
    steps = {"show": show, "failed": {"say": sound(EXIT_HZ["failed"]), "next": "hang_up"}}
    return {"flow": name, "language": "en-US", "start": "show", "steps": steps}


@pytest.fixture(scope="module")
def video_bot(lab: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    need_browsers()
    mail = {
        "host": "127.0.0.1",
        "port": MAIL_PORT,
        "security": "none",
        "sender": "ivr@example.com",
        "recipients": {"caller": "caller@example.com"},
    }
    with running_bot(
        tmp_path_factory.mktemp("video"),
        control.RTP_TRUNK_PORT,
        environ={"IVR_WEB__LISTEN": DESK, **ROOM_ENVIRON},
        flows=[
            video_flow("by_text", message="phone"),
            video_flow("by_mail", mail="caller", subject="Your call"),
            video_flow("hidden", "hidden", mail="caller"),
        ],
        settings={
            "video": {"support": room_settings(), "hidden": room_settings(random_digits=DIGITS)},
            "targets": {"phone": {"sip": control.number(TEXT_NUMBER)}},
            "send": {"mail": mail},
            "numbers": {BY_TEXT: {"flow": "by_text"}, BY_MAIL: {"flow": "by_mail"}, HIDDEN: {"flow": "hidden"}},
        },
    ) as bot:
        yield bot


@pytest.fixture(autouse=True)
def _rooms_are_empty(lab: ModuleType) -> Iterator[None]:
    yield
    rooms_get_empty()


async def link_of(text: Callable[[], str]) -> str:
    """The one link in what arrives."""
    deadline = time.monotonic() + 40
    while not text():
        assert time.monotonic() < deadline, "no invitation has arrived"
        await asyncio.sleep(0.1)
    found = INVITATION.fullmatch(text().strip())
    assert found, text()
    return found[1]


async def meets(call: PeerCall, link: str, guest: Page, stranger: Page) -> None:
    """The link brings one browser, and no second one, to the caller."""
    await hears(call, HOLD_HZ, 20)
    await guest.goto(link)
    await join(guest)
    await is_heard(call)
    call.send_tone(440, 60.0)
    await grows(guest, "energy")
    refused = await stranger.goto(link)
    assert refused is not None and refused.status == 410
    await guest.get_by_role("button", name="Leave").click()
    await call.wait_ended(40)


async def steps_of(bot: LiveBot) -> list[tuple[str, bool]]:
    """How the video steps of the caller's newest call ended, and whether a guest was there."""
    record = await asyncio.to_thread(bot.record_of, "caller", within_s=20)
    return [(step["outcome"], "guest" in step["detail"]) for step in record["steps"] if step["kind"] == "video"]


@live
async def test_the_callers_own_telephone_gets_the_link_as_a_text_in_the_call(video_bot: LiveBot) -> None:
    with control.takes_texts(TEXT_NUMBER, control.CALLER):
        async with browsers(2) as (guest, stranger), caller() as phone:
            await phone.register()
            call = await answered(phone.dial(control.number(BY_TEXT), timeout_s=10))
            link = await link_of(lambda: "".join(phone.messages))
            assert not call.is_ended
            await meets(call, link, guest, stranger)
    assert len(phone.messages) == 1
    assert await steps_of(video_bot) == [("joined", True)]


@live
async def test_the_link_comes_by_mail(video_bot: LiveBot) -> None:
    mailbox = Mailbox()
    async with mail_server(mailbox, port=MAIL_PORT), browsers(2) as (guest, stranger), caller() as phone:
        call = await answered(phone.dial(control.number(BY_MAIL), timeout_s=10))
        link = await link_of(lambda: "".join(mail.get_content() for _, _, mail in mailbox.mails))
        await meets(call, link, guest, stranger)
    ((sender, recipients, mail),) = mailbox.mails
    assert (sender, recipients, mail["Subject"]) == ("ivr@example.com", ["caller@example.com"], "Your call")
    assert await steps_of(video_bot) == [("joined", True)]


@live
async def test_a_telephone_that_offers_video_in_its_call_is_sent_into_the_room_itself(video_bot: LiveBot) -> None:
    password = await asyncio.to_thread(first_password, video_bot)
    async with browsers(1) as (agent,), caller(offers_video=True) as phone:
        await log_in(agent, password, DESK)
        call = await answered(phone.dial(video_bot.uri.replace("live@", f"{BY_TEXT}@"), timeout_s=10))
        assert refused_media(call) == ["video 0 RTP/AVP 96"]
        await hears(call, HOLD_HZ, 20)
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
    assert record["end_reason"] == "transferred" and not phone.messages
    (step,) = [step for step in record["steps"] if step["kind"] == "video"]
    assert step["outcome"] == "joined" and "operator" in step["detail"]


@live
async def test_who_knows_the_number_of_an_earlier_visit_does_not_find_the_next_one(video_bot: LiveBot) -> None:
    mailbox = Mailbox()
    with control.rooms_with_digits(DIGITS):
        async with mail_server(mailbox, port=MAIL_PORT), browsers(1) as (guest,), caller() as phone, caller() as former:
            async with visit(phone, guest, mailbox) as first:
                pass
            async with visit(phone, guest, mailbox) as second:
                await answered(former.dial(control.number(first), timeout_s=10))
                await in_rooms({first: 1, second: 2})
    assert first != second and {len(first), len(second)} == {3 + DIGITS}
    assert await steps_of(video_bot) == [("joined", True)]


async def in_rooms(people: dict[str, int]) -> None:
    """So many are in each room."""
    deadline = time.monotonic() + 20
    while (found := control.people_in_rooms()) != people:
        assert time.monotonic() < deadline, f"{found}, not {people}"
        await asyncio.sleep(0.2)


@asynccontextmanager
async def visit(phone: SipPeer, guest: Page, mailbox: Mailbox) -> AsyncIterator[str]:
    """Caller and guest are in a room; what its number is."""
    mailbox.mails.clear()
    call = await answered(phone.dial(control.number(HIDDEN), timeout_s=10))
    link = await link_of(lambda: "".join(mail.get_content() for _, _, mail in mailbox.mails))
    await hears(call, HOLD_HZ, 20)
    await guest.goto(link)
    await join(guest)
    await is_heard(call)
    (number,) = control.people_in_rooms()
    yield number
    await guest.get_by_role("button", name="Leave").click()
    await call.wait_ended(40)


def refused_media(call: PeerCall) -> list[str]:
    """Streams of the bot's answer beside the audio, which comes first as in the offer (RFC 3264 §6)."""
    assert call.remote_sdp is not None
    audio, *others = call.remote_sdp.media_lines
    assert audio.startswith("audio ") and call.remote_sdp.port > 0
    return others
