from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading

import pytest

from ivr.ports import LegAnswered, LegOffered
from ivr.sip import name_lookup
from ivr.sip.name_lookup import sockaddr, transport_of
from ivr.testing.sip_peer import SipPeer
from ivr.testing.sip_peer.message import SipRequest, parse_message
from tests.sip.bot import Bot, scenario

pytestmark = pytest.mark.adapter

HOST = "phone.slow.example"


@scenario
async def test_a_name_server_that_takes_its_time_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bot ends a call whose Contact is a name; while that is looked up, another call is answered and ended."""
    asked, answers = list[str](), threading.Event()

    def slow(host: str) -> set[str]:
        asked.append(host)
        answers.wait(20)
        return {"127.0.0.1"}

    monkeypatch.setattr(name_lookup, "resolve", slow)
    with socket.socket(type=socket.SOCK_DGRAM) as caller:
        caller.bind(("127.0.0.1", 0))
        caller.setblocking(False)
        async with Bot() as bot, SipPeer() as phone:
            to = ("127.0.0.1", bot.telephony.port)
            invite = _of(phone.invite_text(bot.uri), phone, caller.getsockname()[1])
            caller.sendto(invite, to)
            caller.sendto(_ack(invite, await _received(caller, b"SIP/2.0 200")), to)
            bot.telephony.hang_up((await bot.wait(LegAnswered)).leg_id)
            try:
                call = await phone.dial(bot.uri, timeout_s=2)
                assert call.status == 200, "it waited for the name server"
                await call.hang_up()
                assert asked == [HOST]
            finally:
                answers.set()
            assert (await _received(caller, b"BYE ")).startswith(f"BYE sip:caller@{HOST}:".encode())
            assert len(bot.seen(LegOffered)) == 2


def _of(invite: bytes, phone: SipPeer, port: int) -> bytes:
    """The INVITE as another telephone sends it, whose Contact is a name."""
    own = f"127.0.0.1:{phone.address[1]}".encode()
    lines = invite.replace(own, b"127.0.0.1:%d" % port).split(b"\r\n")
    contact = f"Contact: <sip:caller@{HOST}:{port}>".encode()
    return b"\r\n".join(contact if line.startswith(b"Contact:") else line for line in lines)


async def _received(sock: socket.socket, start: bytes) -> bytes:
    """The next message that begins so."""
    async with asyncio.timeout(5):
        while True:
            data = await asyncio.get_running_loop().sock_recv(sock, 65535)
            if data.startswith(start):
                return data


def _ack(invite: bytes, answer: bytes) -> bytes:
    response, request = parse_message(answer), parse_message(invite)
    assert isinstance(request, SipRequest)
    headers = [
        f"ACK {request.uri} SIP/2.0",
        f"Via: {request.headers.get('Via')}ack",
        "Max-Forwards: 70",
        f"From: {request.headers.get('From')}",
        f"To: {response.headers.get('To')}",
        f"Call-ID: {request.headers.get('Call-ID')}",
        f"CSeq: {str(request.headers.get('CSeq')).split()[0]} ACK",
        "Content-Length: 0",
    ]
    return ("\r\n".join(headers) + "\r\n\r\n").encode()


@pytest.mark.parametrize(("kind", "flags", "expected"), [(0, 0, 1), (0, 1, 2), (0, 3, 3), (2, 0, 2), (129, 0, 129)])
def test_where_a_target_leaves_its_transport_open_udp_is_taken(kind: int, flags: int, expected: int) -> None:
    assert transport_of(kind, flags) == expected


def test_addresses_are_laid_out_as_the_machine_has_them() -> None:
    packed = sockaddr(ipaddress.ip_address("127.0.0.1"), 5060)
    assert packed == b"\x02\0" + b"\x13\xc4" + b"\x7f\0\0\1" + bytes(8)
    assert len(sockaddr(ipaddress.ip_address("2001:db8::1"), 5060)) == 28
