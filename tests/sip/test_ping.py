"""OPTIONS as a sign of life: against our own bot, and against peers that answer badly or not at all."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from ivr.errors import TelephonyError
from ivr.sip.ping import final_answer, options_request, ping
from tests.sip.bot import Bot, scenario, settings

pytestmark = pytest.mark.adapter

OK = b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9\r\n\r\n"


@contextmanager
def peer(answer: Callable[[int, bytes], list[bytes]]) -> Iterator[int]:
    """A UDP port that answers each packet with what `answer(count, packet)` returns."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))

        def serve() -> None:
            for count in range(100):
                packet, sender = line.recvfrom(65_535)
                if not packet:
                    return
                for each in answer(count, packet):
                    line.sendto(each, sender)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield line.getsockname()[1]
        finally:
            line.sendto(b"", line.getsockname())
            thread.join()


def ok_for(packet: bytes, status: bytes = b"200 OK") -> bytes:
    branch = re.search(rb"branch=([^;\r]+)", packet)
    assert branch
    return b"SIP/2.0 " + status + b"\r\nVia: SIP/2.0/UDP h;branch=" + branch[1] + b"\r\n\r\n"


@pytest.mark.parametrize("is_tcp", [False, True])
def test_a_bot_answers(is_tcp: bool) -> None:
    @scenario
    async def run() -> None:
        async with Bot(settings()) as bot:
            port = int(bot.telephony.sip_uri.rpartition(":")[2])
            pong = await asyncio.to_thread(ping, "127.0.0.1", port, 5.0, is_tcp=is_tcp)
            assert (pong.sip_status, pong.reason) == (200, "OK")
            assert 0 < pong.after_s < 5

    run()


def test_a_lost_request_is_sent_again() -> None:
    with peer(lambda count, packet: [ok_for(packet)] if count == 1 else []) as port:
        assert 0.5 <= ping("127.0.0.1", port, 5.0).after_s < 2


def test_an_answer_that_comes_in_two_is_waited_for() -> None:
    def answer(count: int, packet: bytes) -> list[bytes]:
        return [b"\r\n\r\n", OK, ok_for(packet, b"100 Trying"), ok_for(packet, b"404 Not Found")]

    with peer(answer) as port:
        pong = ping("127.0.0.1", port, 5.0)
    assert (pong.sip_status, pong.reason) == (404, "Not Found")


def test_silence_and_a_closed_port_say_where_and_what_to_do() -> None:
    with (
        peer(lambda count, packet: []) as port,
        pytest.raises(TelephonyError, match=r"does not answer within 0.2 s; is"),
    ):
        ping("127.0.0.1", port, 0.2)
    with pytest.raises(TelephonyError, match=rf"127.0.0.1:{port} by TCP: Connection refused; is"):
        ping("127.0.0.1", port, 0.2, is_tcp=True)


def test_a_tcp_peer_that_hangs_up_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: server.accept()[0].close())
        thread.start()
        with pytest.raises(TelephonyError, match=r"closed without an answer|reset"):
            ping("127.0.0.1", server.getsockname()[1], 2.0, is_tcp=True)
        thread.join()


@pytest.mark.unit
def test_an_answer_to_somebody_else_does_not_count() -> None:
    assert final_answer(OK, b"z9") == (200, "OK")
    assert final_answer(OK, b"other") is None
    assert final_answer(b"SIP/2.0 100 Trying\r\nVia: SIP/2.0/UDP h;branch=z9\r\n\r\n", b"z9") is None


@pytest.mark.unit
def test_an_address_of_ipv6_stands_in_brackets() -> None:
    request = options_request("::1", 5060, "[::1]:4000", "z9hG4bKx", is_tcp=True)
    assert request.startswith(
        b"OPTIONS sip:[::1]:5060 SIP/2.0\r\nVia: SIP/2.0/TCP [::1]:4000;branch=z9hG4bKx;rport\r\n"
    )
    assert request.endswith(b"Content-Length: 0\r\n\r\n")
