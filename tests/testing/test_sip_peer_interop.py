"""The peer against other implementations: pjsua2, and a registrar that checks the digest by its own arithmetic."""

from __future__ import annotations

import asyncio
import hashlib
import re
import sys
from pathlib import Path
from typing import Literal, cast

import pytest

from ivr.errors import TelephonyError
from ivr.testing.sip_peer import SipPeer
from ivr.testing.sip_peer.measure import spans_of_tone, tone
from ivr.testing.sip_peer.recording import read_wav, write_wav
from tests.free_port import free_udp_port

pytestmark = pytest.mark.adapter

SERVE_S = 3.0


PORT = free_udp_port()


async def pjsua(tmp_path: Path) -> asyncio.subprocess.Process:
    """The other telephone, ready to be called."""
    write_wav(tmp_path / "tone.wav", tone(1000, 10.0))
    script = Path(__file__).with_name("pjsua_answerer.py")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(script),
        str(PORT),
        str(tmp_path / "heard.wav"),
        str(tmp_path / "tone.wav"),
        str(SERVE_S),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(10):
        while await process.stdout.readline() != b"ready\n":
            assert not process.stdout.at_eof(), "pjsua2 did not start"
    return process


@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_pjsua2_and_the_peer_hear_each_other(kind: Literal["udp", "tcp"], tmp_path: Path) -> None:
    async def main() -> bytes:
        process = await pjsua(tmp_path)
        async with SipPeer(transport=kind) as peer:
            suffix = ";transport=tcp" if kind == "tcp" else ""
            call = await peer.dial(f"sip:ua@127.0.0.1:{PORT}{suffix}", timeout_s=5)
            assert call.is_answered
            await call.send_tone(440, 0.8).wait()
            await call.press("12#", duration_ms=80, gap_ms=60)
            await call.press("7", method="info")
            await call.wait_ended(SERVE_S + 3)
            assert call.ended_by == "remote"
            (span,) = spans_of_tone(call.received_audio(), 1000)
            assert span[1] - span[0] > 1.5
            assert call.rtp_stats().lost == 0
        output, _ = await asyncio.wait_for(process.communicate(), 10)
        assert process.returncode == 0
        return output

    keys = re.findall(rb"key (.) (\d)", asyncio.run(main()))
    assert keys == [(b"1", b"0"), (b"2", b"0"), (b"#", b"0"), (b"7", b"1")]
    (span,) = spans_of_tone(read_wav(tmp_path / "heard.wav"), 440)
    assert span[1] - span[0] == pytest.approx(0.8, abs=0.1)


class Registrar(asyncio.DatagramProtocol):
    """Challenges every request, then accepts it if the digest of `secret` is right (RFC 2617 §3.2.2)."""

    def __init__(self, status: int) -> None:
        self.challenge_status = status
        self.methods: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        lines = data.decode().split("\r\n")
        method = lines[0].split()[0]
        self.methods.append(method)
        if method == "ACK":
            return
        copied = [line for line in lines if line.split(":")[0] in {"Via", "From", "To", "Call-ID", "CSeq"}]
        given = next((line for line in lines if "uthorization: Digest" in line), None)
        scheme = "WWW" if self.challenge_status == 401 else "Proxy"
        extra = f'{scheme}-Authenticate: Digest realm="lab", nonce="n1", qop="auth", opaque="o", algorithm=MD5'
        status = self.challenge_status
        if given is not None:
            status, extra = (486 if method == "INVITE" else 200) if self.is_right(given, method) else 403, "X-Done: 1"
        answer = [f"SIP/2.0 {status} Text", *copied, extra, "Content-Length: 0", "", ""]
        self.transport.sendto("\r\n".join(answer).encode(), addr)

    @staticmethod
    def is_right(line: str, method: str) -> bool:
        given = dict(re.findall(r'(\w+)="?([^",]+)"?', line.partition("Digest ")[2]))

        def md5(text: str) -> str:
            return hashlib.md5(text.encode()).hexdigest()

        ha1, ha2 = md5("alice:lab:secret"), md5(f"{method}:{given['uri']}")
        expected = md5(f"{ha1}:n1:{given['nc']}:{given['cnonce']}:auth:{ha2}")
        return (given["response"], given["opaque"]) == (expected, "o")


@pytest.mark.parametrize("status", [401, 407])
def test_registering_and_calling_with_a_password(status: int) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        transport, registrar = await loop.create_datagram_endpoint(
            lambda: Registrar(status), local_addr=("127.0.0.1", 0)
        )
        port = transport.get_extra_info("sockname")[1]
        where = f"127.0.0.1:{port}"
        async with SipPeer(user="alice", password="secret", registrar=where) as peer:
            assert (await peer.register()).status == 200
            assert (await peer.dial(f"sip:100@{where}")).status == 486
        assert registrar.methods == ["REGISTER"] * 2 + ["INVITE", "ACK"] * 2 + ["REGISTER"] * 2
        async with SipPeer(user="alice", password="wrong", registrar=where) as peer:
            with pytest.raises(TelephonyError, match="403"):
                await peer.register()
        transport.close()

    asyncio.run(main())
