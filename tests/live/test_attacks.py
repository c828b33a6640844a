"""Offers and audio of an attacker against a running bot: calls go on, and the next one works."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import struct
from collections.abc import Iterator
from typing import Final

import pytest

from ivr.testing.sip_peer import PeerCall, SipPeer
from ivr.testing.sip_peer.measure import spans_of_tone
from ivr.testing.sip_peer.message import SipResponse, parse_message
from ivr.testing.sip_peer.sdp import build_offer
from tests.live.bots import (
    HEARD_HZ,
    MENU_HZ,
    MENU_S,
    TARGETS,
    LiveBot,
    answered,
    greeted,
    hears,
    key_for,
    live,
    now_s,
    running_bot,
)
from tests.ports import ports_of
from tests.waiting import until

pytestmark = pytest.mark.live

PORT, PERSON_PORT = ports_of("attacks", 2)
OFFER: Final = build_offer("127.0.0.1", 9, ("PCMU",))
FOREIGNER: Final = ("127.0.0.66", 40066)
SSRC: Final = 777
LEGS: Final = 4
FREE_WITHIN_S: Final = 9.0
"""4 s for an ACK, 2 s for the answer to the BYE, and something for a busy machine."""
FLOOD_S: Final = 5
FLOOD_PER_S: Final = 1000
EVENT_TYPE: Final = 101


@pytest.fixture(scope="module")
def attacked_bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    """Called without a PBX."""
    settings = {"targets": {name: {"sip": f"sip:person@127.0.0.1:{PERSON_PORT}"} for name in TARGETS}}
    with running_bot(tmp_path_factory.mktemp("attacked"), PORT, settings=settings) as bot:
        yield bot


OFFERS: Final = {
    "port 0": (OFFER.replace(b"audio 9", b"audio 0"), {488}),
    "port above the highest": (OFFER.replace(b"audio 9", b"audio 99999"), {400, 488}),
    "negative port": (OFFER.replace(b"audio 9", b"audio -1"), {400, 488}),
    "multicast": (OFFER.replace(b"127.0.0.1", b"239.1.1.1"), {400}),
    "broadcast": (OFFER.replace(b"127.0.0.1", b"255.255.255.255"), {400}),
    "IPv6": (OFFER.replace(b"IP4 127.0.0.1", b"IP6 ::1"), {488}),
    "a name": (OFFER.replace(b"127.0.0.1", b"no.such.host.invalid"), {400}),
    "254 characters": (OFFER.replace(b"127.0.0.1", b"a" * 254), {400}),
    "1,000 media lines": (OFFER + b"m=audio 9 RTP/AVP 0\r\n" * 1000, {400, 488}),
}


def _request(
    method: str, phone: SipPeer, *, call_id: str, tags: tuple[str, str] = ("1", ""), body: bytes = b""
) -> bytes:
    lines = [
        f"{method} sip:live@127.0.0.1:{PORT} SIP/2.0",
        f"Via: {phone.via};rport;branch=z9hG4bK{secrets.token_hex(6)}",
        "Max-Forwards: 70",
        f"From: <sip:evil@127.0.0.1>;tag={tags[0]}",
        f"To: <sip:live@127.0.0.1:{PORT}>" + (f";tag={tags[1]}" if tags[1] else ""),
        f"Call-ID: {call_id}",
        f"CSeq: 7 {method}",
        f"Contact: <{phone.uri}>",
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def _status(phone: SipPeer, request: bytes) -> int | None:
    """The final status; None for silence."""
    phone.send_raw(request, ("127.0.0.1", PORT))
    while True:
        try:
            message = parse_message((await phone.raw_response(1.0)).data)
        except TimeoutError:
            return None
        if isinstance(message, SipResponse) and message.status >= 200:
            return message.status


@live
async def test_hostile_offers_are_refused_and_the_next_call_works(attacked_bot: LiveBot) -> None:
    wrong = {}
    for name, (offer, wanted) in OFFERS.items():
        async with SipPeer(user="hostile") as phone:
            status = await _status(phone, _request("INVITE", phone, call_id=secrets.token_hex(8), body=offer))
        if status not in wanted:
            wrong[name] = status
        assert attacked_bot.process.poll() is None, f"the bot died of: {name}"
    assert not wrong
    await greeted(attacked_bot)


async def _invited(attacker: SipPeer) -> int | None:
    """The answer to a call that is never acknowledged."""
    call_id = secrets.token_hex(8)
    attacker.send_raw(_request("INVITE", attacker, call_id=call_id, body=OFFER), ("127.0.0.1", PORT))
    while True:
        message = parse_message((await attacker.raw_response(2.0)).data)
        if isinstance(message, SipResponse) and message.status >= 200 and message.headers.get("Call-ID") == call_id:
            return message.status


@live
async def test_a_source_that_never_acknowledges_keeps_nobody_out_for_long(attacked_bot: LiveBot) -> None:
    async with SipPeer(user="half-open", host=FOREIGNER[0]) as attacker, SipPeer(user="next") as phone:
        loop = asyncio.get_running_loop()
        assert [await _invited(attacker) for _ in range(LEGS + 1)] == [200] * LEGS + [486]
        began_s, status = loop.time(), 486
        while status == 486 and loop.time() < began_s + FREE_WITHIN_S:
            status = (await phone.dial(attacked_bot.uri, timeout_s=5)).status
            await asyncio.sleep(0.2)
        assert status == 200, f"after {FREE_WITHIN_S} s still {status}"
        assert await _invited(attacker) == 486, "it has had its share for a minute"
    await greeted(attacked_bot)


@live
async def test_strangers_neither_end_nor_change_nor_press_a_call(attacked_bot: LiveBot) -> None:
    async with SipPeer(user="victim") as phone, SipPeer(user="stranger") as stranger:
        call = await answered(phone.dial(attacked_bot.uri))
        await hears(call, MENU_HZ)
        for method in ("BYE", "INVITE", "UPDATE", "INFO"):
            spoofed = _request(method, stranger, call_id=call.call_id, tags=("wrong", "tag"), body=OFFER)
            assert await _status(stranger, spoofed) == 481, method
        assert await _packets_stolen(call) == 0
        await asyncio.sleep(0.5)
        assert not call.is_ended
        assert not spans_of_tone(call.received_audio(), HEARD_HZ["sales"]), "a stranger pressed 1"
        await call.press("1")
        await hears(call, HEARD_HZ["sales"], after_s=now_s(call) - 0.2)
    await greeted(attacked_bot)


@pytest.mark.parametrize("name", ["Eve\x1b[31m\x85X-Forged: 1", "Eve%0d%0aX-Forged: 1", 'E\\" <sip:boss@pbx>;x=\\"'])
@live
async def test_a_name_brings_no_header_and_no_line_into_what_is_passed_on(attacked_bot: LiveBot, name: str) -> None:
    hidden = {"X-Note": "a\x1b[2J\x85X-Forged: 1", "User-to-User": "00%00\x85X-Forged: 1;encoding=hex"}
    async with SipPeer(port=PERSON_PORT) as person, SipPeer(user="forger", display_name=name) as phone:
        call = await answered(phone.dial(attacked_bot.uri, headers=hidden, timeout_s=5))
        await hears(call, MENU_HZ)
        await call.press(key_for("phone", "auto"), duration_ms=60, gap_ms=60)
        await until(lambda: bool(call.requests_of("REFER")), "the caller is asked to take the person's leg over")
        refer, invite = call.requests_of("REFER")[0].request, person.calls[0].invite_request
        await call.hang_up()
    record = await asyncio.to_thread(attacked_bot.record_of, "forger")
    assert invite is not None
    assert "x-forged" not in {header.lower() for request in (refer, invite) for header, _ in request.headers}
    assert all(value.isprintable() for _, value in invite.headers)
    assert refer.headers.need("Refer-To").isprintable()
    assert json.dumps(record, ensure_ascii=False).isprintable()
    assert not {"\x1b", "\x85", "\0"} & set(attacked_bot.log())
    assert not [line for line in attacked_bot.log().splitlines() if line.startswith("X-Forged")]


async def _packets_stolen(call: PeerCall) -> int:
    """How many packets of the call come to a stranger who sends audio, at twice the caller's pace and then in a flood,
    and presses 1."""
    assert call.remote_sdp is not None
    to = ("127.0.0.1", call.remote_sdp.port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(FOREIGNER)
        stranger.setblocking(False)
        for number in range(1000):
            stranger.sendto(struct.pack("!BBHII", 0x80, 0, number, number * 160, SSRC) + b"\x20" * 160, to)
            await asyncio.sleep(0.01 if number < 50 else 0.001)  # twice the caller's pace, then fifty times
        for number in range(6):
            event = struct.pack("!BBH", 1, 0x8A if number > 2 else 0x0A, 160 * (number + 1))
            stranger.sendto(struct.pack("!BBHII", 0x80, EVENT_TYPE, 2000 + number, 320_000, SSRC) + event, to)
            await asyncio.sleep(0.02)
        stolen = 0
        try:
            while stranger.recv(2048):
                stolen += 1
        except BlockingIOError:
            return stolen
        return stolen


@live
async def test_a_flood_of_invites_leaves_no_gap_in_the_calls_that_go_on(attacked_bot: LiveBot) -> None:
    async with SipPeer(user="talking") as phone, SipPeer(user="flood") as flooder:
        calls = [await answered(phone.dial(attacked_bot.uri)) for _ in range(LEGS - 1)]
        assert await _flood(flooder) == FLOOD_S * FLOOD_PER_S
        for call in calls:
            spans = spans_of_tone(call.received_audio(), MENU_HZ)
            assert not call.is_ended
            assert len(spans) == 1, f"the menu was heard with gaps: {spans}"
            assert spans[0][1] - spans[0][0] > MENU_S - 0.1
    await greeted(attacked_bot)
    assert "Traceback" not in attacked_bot.log()


async def _flood(flooder: SipPeer) -> int:
    """INVITEs at an even pace, the first of which takes the last leg; how many."""
    loop = asyncio.get_running_loop()
    began_s, sent = loop.time(), 0
    while sent < FLOOD_S * FLOOD_PER_S:
        due = min(int((loop.time() - began_s) * FLOOD_PER_S), FLOOD_S * FLOOD_PER_S)
        for _ in range(due - sent):
            invite = _request("INVITE", flooder, call_id=secrets.token_hex(8), body=OFFER)
            flooder.send_raw(invite, ("127.0.0.1", PORT))
        sent = due
        await asyncio.sleep(0.005)
    return sent
