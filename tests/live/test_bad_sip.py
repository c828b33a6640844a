"""Broken, hostile and unusual SIP and RTP, as a bot at an open port gets to see it: the next call works."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Iterator, Mapping

import pytest

from ivr.testing.sip_peer import PeerCall, SipPeer
from ivr.testing.sip_peer.measure import spans_of_tone
from ivr.testing.sip_peer.message import SipResponse, parse_message
from ivr.testing.sip_peer.sdp import build_offer
from tests.live.bots import HEARD_HZ, MENU_HZ, LiveBot, answered, greeted, hears, live, now_s, running_bot
from tests.ports import ports_of

pytestmark = pytest.mark.live

PORT, UNKNOWN_PORT = ports_of("bad_sip", 2)
BOT_ADDRESS = ("127.0.0.1", PORT)
LEGS = 4
EVERYBODY = 1000
"""The limit of a source: those who send rubbish and those who look after the bot have one address here."""
FREE_WITHIN_S = 25.0
"""Ten seconds for an ACK that does not come and ten for the answer to the BYE."""
OFFER = build_offer("127.0.0.1", 9, ("PCMU",))
NO_COMMON_CODEC = OFFER.replace(b"RTP/AVP 0 ", b"RTP/AVP 97 ").replace(b":0 PCMU/8000", b":97 opus/48000/2")


@pytest.fixture(scope="module")
def open_bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    """Called without a PBX."""
    with running_bot(tmp_path_factory.mktemp("open"), PORT, half_open_per_source=EVERYBODY) as bot:
        yield bot


def _request(method: str, *, headers: Mapping[str, str | None] | None = None, body: bytes = b"") -> bytes:
    """A request with every header that RFC 3261 §8.1.1 asks for; None as a value leaves a header out."""
    given = {
        "Via": f"SIP/2.0/UDP 127.0.0.1:5999;rport;branch=z9hG4bK{secrets.token_hex(6)}",
        "Max-Forwards": "70",
        "From": f"<sip:evil@127.0.0.1:5999>;tag={secrets.token_hex(4)}",
        "To": f"<sip:live@127.0.0.1:{PORT}>",
        "Call-ID": secrets.token_hex(8),
        "CSeq": f"1 {method}",
        "Contact": "<sip:evil@127.0.0.1:5999>",
        "Content-Type": "application/sdp" if body else None,
        "Content-Length": str(len(body)),
        **(headers or {}),
    }
    lines = [f"{method} sip:live@127.0.0.1:{PORT} SIP/2.0"]
    lines += [f"{name}: {value}" for name, value in given.items() if value is not None]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


MALFORMED = {
    "no Via": _request("INVITE", headers={"Via": None}, body=OFFER),
    "no From": _request("INVITE", headers={"From": None}, body=OFFER),
    "no To": _request("INVITE", headers={"To": None}, body=OFFER),
    "no Call-ID": _request("INVITE", headers={"Call-ID": None}, body=OFFER),
    "no CSeq": _request("INVITE", headers={"CSeq": None}, body=OFFER),
    "no Contact": _request("INVITE", headers={"Contact": None}, body=OFFER),
    "broken Via": _request("INVITE", headers={"Via": "SIP/9.9/@@ ::::;branch"}, body=OFFER),
    "Via of another host": _request("INVITE", headers={"Via": "SIP/2.0/UDP 256.1.1.1:99999;branch=z"}, body=OFFER),
    "broken From": _request("INVITE", headers={"From": '"<<<>>>;tag='}, body=OFFER),
    "broken CSeq": _request("INVITE", headers={"CSeq": "99999999999999 BYE"}, body=OFFER),
    "broken Contact": _request("INVITE", headers={"Contact": "<sip:@:@:@>;;;="}, body=OFFER),
    "huge header": _request("INVITE", headers={"X-Huge": "a" * 3000}, body=OFFER),
    "many headers": _request("INVITE", headers={f"X-Many-{n}": "v" * 10 for n in range(100)}, body=OFFER),
    "not UTF-8": _request("INVITE", headers={"Subject": "\udcff\udcfe\udc80"}, body=OFFER),
    "name not UTF-8": _request(
        "INVITE", headers={"From": '"\udce4\udcf6\udcff" <sip:\udcff@127.0.0.1:5999>;tag=1'}, body=OFFER
    ),
    "Content-Length too long": _request("INVITE", headers={"Content-Length": "5000"}, body=OFFER),
    "Content-Length too short": _request("INVITE", headers={"Content-Length": "10"}, body=OFFER),
    "Content-Length negative": _request("INVITE", headers={"Content-Length": "-1"}, body=OFFER),
    "Content-Length absurd": _request("INVITE", headers={"Content-Length": "99999999999999999999"}, body=OFFER),
    "wrong version": _request("INVITE", body=OFFER).replace(b" SIP/2.0\r\n", b" SIP/7.0\r\n", 1),
    "only a start line": b"INVITE sip:live@127.0.0.1 SIP/2.0\r\n\r\n",
    "cut off": _request("INVITE", body=OFFER)[:200],
    "no SIP at all": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "zeros": bytes(1000),
    "noise": bytes(range(256)) * 8,
    "stray response": b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:5999;branch=z9hG4bKx\r\nCSeq: 1 INVITE\r\n\r\n",
}


async def _free(bot: LiveBot) -> None:
    """Until the bot takes calls again; INVITEs that nobody ends keep a leg until the bot gives them up."""
    deadline_s = asyncio.get_running_loop().time() + FREE_WITHIN_S
    while True:
        async with SipPeer(user="probe") as phone:
            call = await phone.dial(bot.uri, timeout_s=3)
            if call.is_answered:
                await hears(call, MENU_HZ)
                return
        assert asyncio.get_running_loop().time() < deadline_s, f"still {call.status}"
        await asyncio.sleep(0.5)


async def _answer_to(data: bytes) -> int | None:
    """Final status that a raw request gets over UDP, None for silence; a 2xx is ended with ACK and BYE."""
    async with SipPeer(user="raw") as phone:
        host, port = phone.address
        phone.send_raw(data.replace(b"127.0.0.1:5999", f"{host}:{port}".encode()), BOT_ADDRESS)
        while True:
            try:
                raw = await phone.raw_response(1.0)
            except TimeoutError:
                return None
            message = parse_message(raw.data)
            if isinstance(message, SipResponse) and message.status >= 200:
                return message.status


@pytest.mark.parametrize(
    ("data", "statuses"),
    [
        pytest.param(_request("OPTIONS"), {200}, id="OPTIONS"),
        pytest.param(_request("CANCEL"), {481}, id="CANCEL for nothing"),
        pytest.param(_request("BYE"), {481}, id="BYE for nothing"),
        pytest.param(
            _request("BYE", headers={"To": "<sip:live@127.0.0.1>;tag=gone"}), {481}, id="BYE in a dialog that is gone"
        ),
        pytest.param(_request("DANCE"), {405, 501}, id="unknown method"),
        pytest.param(_request("REGISTER"), {405, 501, 403}, id="REGISTER"),
        pytest.param(_request("SUBSCRIBE", headers={"Event": "presence"}), {405, 489, 501}, id="SUBSCRIBE"),
        pytest.param(_request("REFER", headers={"Refer-To": "<sip:a@b>"}), {405, 481, 501, 603}, id="REFER outside"),
        pytest.param(_request("INFO"), {405, 481, 501}, id="INFO outside"),
        pytest.param(_request("INVITE", headers={"To": None}, body=OFFER), {400, None}, id="INVITE without To"),
        pytest.param(_request("INVITE", headers={"Require": "magic"}, body=OFFER), {420}, id="unknown extension"),
        pytest.param(
            _request("INVITE", headers={"Content-Type": "text/plain"}, body=b"hello"), {400, 415, 488}, id="text body"
        ),
        pytest.param(_request("INVITE", body=b"v=0\r\nrubbish"), {400, 415, 488}, id="broken SDP"),
        pytest.param(_request("INVITE", body=b"\xff\xfe\x00\x01" * 30), {400, 415, 488}, id="binary body"),
        pytest.param(
            _request("INVITE", body=NO_COMMON_CODEC),
            {488},
            id="no codec in common",
        ),
        pytest.param(_request("INVITE", body=OFFER.replace(b"m=audio 9", b"m=video 9")), {488}, id="only video"),
        pytest.param(
            _request("INVITE", body=OFFER.split(b"m=audio")[0] + b"m=image 9 udptl t38\r\n"), {488}, id="only T.38"
        ),
    ],
)
@live
async def test_a_request_gets_its_answer(open_bot: LiveBot, data: bytes, statuses: set[int | None]) -> None:
    assert await _answer_to(data) in statuses


@live
async def test_a_number_that_nobody_answers_is_404(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = {"default_flow": None, "numbers": {"100": {"flow": "live"}}}
    with running_bot(tmp_path_factory.mktemp("unknown"), UNKNOWN_PORT, settings=settings):
        async with SipPeer() as phone:
            known = await phone.dial(f"sip:100@127.0.0.1:{UNKNOWN_PORT}")
            unknown = await phone.dial(f"sip:999@127.0.0.1:{UNKNOWN_PORT}")
            anyone = await phone.dial(f"sip:127.0.0.1:{UNKNOWN_PORT}")
    assert (known.status, unknown.status, anyone.status) == (200, 404, 404)


@live
async def test_an_invite_without_an_offer_is_answered_with_one(open_bot: LiveBot) -> None:
    async with SipPeer(user="late-offer") as phone:
        call = await answered(phone.dial(open_bot.uri, late_offer=True))
        await hears(call, MENU_HZ)


# --- inside a call


@live
async def test_rtp_garbage_does_not_disturb_the_call(open_bot: LiveBot) -> None:
    async with SipPeer(user="garbage") as phone:
        call = await answered(phone.dial(open_bot.uri))
        await hears(call, MENU_HZ)
        assert call.remote_sdp is not None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for size in (0, 1, 11, 12, 13, 172, 1400, 9000, 60000):
                for to in (call.remote_sdp.port, call.remote_sdp.port + 1):
                    sock.sendto(secrets.token_bytes(size), ("127.0.0.1", to))
                    call.stream.send_raw(secrets.token_bytes(size))
                    sock.sendto(b"\x80\x00" + secrets.token_bytes(max(0, size - 2)), ("127.0.0.1", to))
        await asyncio.sleep(0.3)
        await call.press("1")
        await hears(call, HEARD_HZ["sales"])
    await greeted(open_bot)


async def _reoffer(call: PeerCall, body: bytes) -> SipResponse:
    response = await call.send_request("INVITE", body=body, content_type="application/sdp")
    if response.status < 300:
        call._send_ack(response)
    return response


@pytest.mark.parametrize("direction", ["sendonly", "inactive"])
@live
async def test_hold_is_silence_and_the_prompt_is_heard_again_after_it(open_bot: LiveBot, direction: str) -> None:
    async with SipPeer(user="hold") as phone:
        call = await answered(phone.dial(open_bot.uri))
        await hears(call, MENU_HZ)
        held = await call.reinvite(direction)
        assert held.status == 200
        assert {b"sendonly": b"recvonly", b"inactive": b"inactive"}[direction.encode()] in held.body
        held_s = now_s(call)
        await asyncio.sleep(1.0)
        resumed = await call.reinvite("sendrecv")
        assert resumed.status == 200
        resumed_s = now_s(call)
        await call.press("1")
        await hears(call, HEARD_HZ["sales"], after_s=resumed_s)
        audible = [
            (start, end)
            for start, end in spans_of_tone(call.received_audio(), MENU_HZ)
            if end > held_s + 0.1 and start < resumed_s - 0.05
        ]
        assert not audible, f"on hold from {held_s} to {resumed_s}, prompt heard {audible}"


@live
async def test_audio_follows_a_new_rtp_port(open_bot: LiveBot) -> None:
    async with SipPeer(user="moves") as phone:
        call = await answered(phone.dial(open_bot.uri))
        await hears(call, MENU_HZ)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
            elsewhere.bind(("127.0.0.1", 0))
            elsewhere.setblocking(False)
            body = build_offer("127.0.0.1", elsewhere.getsockname()[1], ("PCMU", "PCMA"), version=7)
            call.stream.is_sending = False  # from the old port: the bot would answer to where it hears from
            await asyncio.sleep(0.3)  # what is on its way from there would count as well
            assert (await _reoffer(call, body)).status == 200
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(2):
                packets = [await loop.sock_recv(elsewhere, 2048) for _ in range(10)]
        assert all(len(packet) >= 12 + 160 for packet in packets)


@pytest.mark.parametrize("line", [b"m=video 4000 RTP/AVP 31\r\n", b"m=image 4002 udptl t38\r\n"])
@live
async def test_other_media_is_refused_and_audio_goes_on(open_bot: LiveBot, line: bytes) -> None:
    async with SipPeer(user="video") as phone:
        call = await answered(phone.dial(open_bot.uri))
        await hears(call, MENU_HZ)
        response = await _reoffer(call, call.offer_sdp() + line)
        assert response.status == 200
        assert line.split()[0] + b" 0 " in response.body
        await call.press("1")
        await hears(call, HEARD_HZ["sales"])


@live
async def test_a_reinvite_that_cannot_be_met_leaves_the_call_as_it_was(open_bot: LiveBot) -> None:
    async with SipPeer(user="unmet") as phone:
        call = await answered(phone.dial(open_bot.uri))
        await hears(call, MENU_HZ)
        assert (await _reoffer(call, NO_COMMON_CODEC)).status == 488
        await call.press("1")
        await hears(call, HEARD_HZ["sales"])


# --- abuse, last: its INVITEs keep legs for a while


@live
async def test_malformed_datagrams_do_no_harm(open_bot: LiveBot) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for name, data in MALFORMED.items():
            sock.sendto(data, BOT_ADDRESS)
            await asyncio.sleep(0.02)
            assert open_bot.process.poll() is None, f"the bot died of: {name}"
    await _free(open_bot)


@live
async def test_malformed_streams_do_no_harm(open_bot: LiveBot) -> None:
    for name, data in MALFORMED.items():
        reader, writer = await asyncio.open_connection(*BOT_ADDRESS)
        writer.write(data.replace(b"SIP/2.0/UDP", b"SIP/2.0/TCP"))
        await asyncio.sleep(0.02)
        writer.close()
        del reader
        assert open_bot.process.poll() is None, f"the bot died of: {name}"
    await _free(open_bot)


@live
async def test_garbage_by_tcp_does_not_stop_other_connections(open_bot: LiveBot) -> None:
    reader, writer = await asyncio.open_connection(*BOT_ADDRESS)
    writer.write(secrets.token_bytes(200_000))
    async with SipPeer(user="tcp", transport="tcp") as phone:
        call = await answered(phone.dial(f"{open_bot.uri};transport=tcp", timeout_s=5))
        await hears(call, MENU_HZ)
    writer.close()
    del reader


@live
async def test_silent_connections_do_not_stop_calls_by_udp(open_bot: LiveBot) -> None:
    connections = [await asyncio.open_connection(*BOT_ADDRESS) for _ in range(80)]
    await greeted(open_bot)
    for _, writer in connections:
        writer.close()
    await asyncio.sleep(0.5)
    async with SipPeer(user="tcp", transport="tcp") as phone:
        call = await answered(phone.dial(f"{open_bot.uri};transport=tcp", timeout_s=5))
        await hears(call, MENU_HZ)


@live
async def test_invites_that_nobody_ends_give_their_legs_back(open_bot: LiveBot) -> None:
    """Thirty at once: four get a leg, 26 are refused; the four that are never acknowledged are let go."""
    refused: list[int] = []
    async with SipPeer(user="flood") as phone:
        for _ in range(30):
            phone.send_raw(phone.invite_text(open_bot.uri), BOT_ADDRESS)
        try:
            while len(refused) < 30 - LEGS:
                raw = await phone.raw_response(5.0)
                message = parse_message(raw.data)
                if isinstance(message, SipResponse) and message.status >= 300:
                    refused.append(message.status)
        except TimeoutError:
            pass
    assert len(refused) >= 30 - LEGS, f"only {len(refused)} of 26 were refused"
    assert set(refused) <= {486, 503}
    await _free(open_bot)


@live
async def test_the_bot_is_well_after_all_that(open_bot: LiveBot) -> None:
    await _free(open_bot)
    assert "Traceback" not in open_bot.log()
