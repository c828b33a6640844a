"""What a worker sends outside of calls leaves by the front as well."""

from __future__ import annotations

import asyncio
import shutil
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from ivr.testing.sip_peer import SipPeer
from ivr.testing.sip_peer.message import SipRequest, parse_message, response_to
from tests.live.bots import answered, live, running_bot
from tests.ports import ports_of

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(shutil.which("kamailio") is None, reason="kamailio is not installed (make test does)"),
]

PORT, INNER_PORT, WORKER_PORT, *_ = ports_of("message_by_front", 20)
FLOW = {
    "flow": "note",
    "language": "en-US",
    "start": "tell",
    "steps": {
        "tell": {"send": {"message": "desk", "text": "Caller waits", "wait": True}, "failed": "lost", "next": "done"},
        "done": {"hang_up": True},
        "lost": {"hang_up": {"cause": 38}},
    },
}


async def answered_message(desk: socket.socket) -> tuple[SipRequest, int]:
    """The next request, which is answered, and the port that it came from."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(10):
        data, source = await loop.sock_recvfrom(desk, 65536)
    request = parse_message(data)
    assert isinstance(request, SipRequest)
    await loop.sock_sendto(desk, response_to(request, 200).to_bytes(), source)
    return request, source[1]


@live
async def test_a_message_leaves_by_the_front(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as desk, ExitStack() as stack:
        desk.bind(("127.0.0.1", 0))
        desk.setblocking(False)
        settings = {
            "capacity": 8,
            "front": {"inner_port": INNER_PORT},
            "workers": {"sip_port": WORKER_PORT},
            "default_flow": "note",
            "targets": {"desk": {"sip": "sip:desk@{}:{}".format(*desk.getsockname())}},
            "speech": {"recognizer": "none", "synthesizer": "none"},
        }
        folder = tmp_path / "bot"
        stack.enter_context(running_bot(folder, PORT, flows=[FLOW], settings=settings, rtp_port_count=100))
        async with SipPeer(user="alice") as phone:
            call = await answered(phone.dial(f"sip:note@127.0.0.1:{PORT}", timeout_s=5))
            message, port = await answered_message(desk)
            await call.wait_ended(5)
    assert (message.method, message.body, port) == ("MESSAGE", b"Caller waits", PORT)
    assert not [port for port in (WORKER_PORT, WORKER_PORT + 1) if f":{port}" in str(message)]
