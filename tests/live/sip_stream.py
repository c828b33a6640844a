"""A caller over a stream or WebSocket, as small as can be: SIP as text, no audio. `SipPeer` has UDP and TCP only."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable

SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 31000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
)


class StreamCaller:
    """One call. `send` takes a whole message, `receive` gives one."""

    def __init__(
        self, transport: str, uri: str, send: Callable[[str], Awaitable[None]], receive: Callable[[], Awaitable[str]]
    ) -> None:
        self._transport, self._uri, self._send, self._receive = transport, uri, send, receive
        self._tag, self._call_id = secrets.token_hex(4), secrets.token_hex(8)
        self._cseq = 0
        self._received: list[str] = []
        self._dialog = ("", "", "")
        """Target, To, Route headers."""

    async def request(self, method: str, body: str = "") -> str:
        """The final response; none for ACK."""
        self._cseq += method != "ACK"
        uri, to, routes = self._dialog
        subtype = "sdp" if method == "INVITE" else "dtmf-relay"
        kind = f"Content-Type: application/{subtype}\r\n" if body else ""
        await self._send(
            f"{method} {uri or self._uri} SIP/2.0\r\n"
            f"Via: SIP/2.0/{self._transport} host.invalid;branch=z9hG4bK{secrets.token_hex(8)};rport\r\n"
            f"{routes}Max-Forwards: 70\r\nFrom: <sip:web@host.invalid>;tag={self._tag}\r\n"
            f"To: {to or f'<{self._uri}>'}\r\n"
            f"Call-ID: {self._call_id}\r\nCSeq: {self._cseq} {method}\r\n"
            f"Contact: <sip:web@host.invalid;transport={self._transport.lower()}>\r\n{kind}"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )
        return "" if method == "ACK" else await self._final()

    async def _final(self) -> str:
        return await self._next(lambda message: re.match(r"SIP/2.0 [2-6]", message) is not None)

    async def _next(self, is_wanted: Callable[[str], bool]) -> str:
        """The first such message; others are kept, because a BYE may overtake the answer to the key that caused it."""
        async with asyncio.timeout(5):
            while not (found := [message for message in self._received if is_wanted(message)]):
                self._received.append(await self._receive())
        self._received.remove(found[0])
        return found[0]

    async def call(self) -> str:
        """The status line; an answer is acknowledged."""
        answer = await self.request("INVITE", SDP)
        if answer.startswith("SIP/2.0 200"):
            contact = re.findall(r"^Contact: <(.*)>", answer, re.MULTILINE)[0]
            to = re.findall(r"^To: (.*)\r$", answer, re.MULTILINE)[0]
            hops = reversed(re.findall(r"^Record-Route: (.*)\r$", answer, re.MULTILINE))
            self._dialog = (contact, to, "".join(f"Route: {hop}\r\n" for hop in hops))
            await self.request("ACK")
        return answer.partition("\r\n")[0]

    async def press(self, key: str) -> str:
        """A key as INFO; the status line."""
        return (await self.request("INFO", f"Signal={key}\r\nDuration=100\r\n")).partition("\r\n")[0]

    async def wait_bye(self) -> None:
        """Until the other side hangs up; that is confirmed."""
        request = await self._next(lambda message: message.startswith("BYE "))
        kept = re.findall(r"^(?:Via|From|To|Call-ID|CSeq): .*\r\n", request, re.MULTILINE | re.IGNORECASE)
        await self._send(f"SIP/2.0 200 OK\r\n{''.join(kept)}Content-Length: 0\r\n\r\n")


async def read_message(reader: asyncio.StreamReader) -> str:
    """One SIP message of a stream (RFC 3261 §18.3)."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = re.search(r"^Content-Length: *(\d+)", head, re.MULTILINE | re.IGNORECASE)
    return head + (await reader.readexactly(int(length[1]) if length else 0)).decode()
