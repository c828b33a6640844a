"""Transactions over a signalling socket (RFC 3261 §17): retransmissions, timeouts, ACKs of refusals, repeats absorbed.

client  request --T1-2T1-4T1.. (T2 cap, not INVITE)--> final response | 408 made here after 64*T1
server  request --> handler once; a repeated request gets the last response again; an INVITE's final
        response is repeated until its ACK comes
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ivr.testing.sip_peer.message import (
    MalformedMessage,
    SipRequest,
    SipResponse,
    cseq_of,
    parse_message,
    response_to,
    top_via,
)
from ivr.testing.sip_peer.transport import Address, SignallingTransport

T2_S = 4.0
"""Cap of the interval between retransmissions (RFC 3261 §17.1.2.1)."""
LIFE_IN_T1 = 64
"""A transaction gives up after this many T1 (timers B, F, H)."""
OnResponse = Callable[[SipResponse], None]


@dataclass(frozen=True, slots=True)
class RawMessage:
    """Bytes that belong to no transaction: answers to what was sent raw, malformed messages."""

    data: bytes
    source: Address
    at_s: float
    """time.monotonic() seconds."""


class Retransmission:
    """Sends the same bytes again and again at growing intervals; silent over a reliable transport."""

    def __init__(self, transport: SignallingTransport, data: bytes, to: Address, *, t1_s: float, cap_s: float) -> None:
        self._transport, self._data, self._to, self._cap_s = transport, data, to, cap_s
        self._interval_s = t1_s
        self._handle: asyncio.TimerHandle | None = None
        transport.send(data, to)
        if not transport.is_reliable:
            self._arm()

    def _arm(self) -> None:
        self._handle = asyncio.get_running_loop().call_later(self._interval_s, self._again)

    def _again(self) -> None:
        self._transport.send(self._data, self._to)
        self._interval_s = min(self._interval_s * 2, self._cap_s)
        self._arm()

    def stop(self) -> None:
        """No more. Idempotent."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None


@dataclass(slots=True)
class _Client:
    request: SipRequest
    to: Address
    future: asyncio.Future[SipResponse]
    sending: Retransmission
    on_provisional: OnResponse | None
    on_repeated_success: OnResponse | None
    timeout: asyncio.TimerHandle | None = None


@dataclass(slots=True)
class _Server:
    response: bytes | None = None
    repeating: Retransmission | None = None
    handles: list[asyncio.TimerHandle] = field(default_factory=list)


class Transactions:
    """All transactions of a peer. `on_request(request, source)` gets each new request once, ACKs of 2xx included."""

    def __init__(self, transport: SignallingTransport, on_request: Callable[[SipRequest, Address], None]) -> None:
        self.transport = transport
        self.t1_s = 0.5
        self.raw: asyncio.Queue[RawMessage] = asyncio.Queue()
        self._on_request = on_request
        self._clients: dict[tuple[str, str], _Client] = {}
        self._servers: dict[tuple[str, str, str], _Server] = {}

    @property
    def life_s(self) -> float:
        """How long a transaction is tried."""
        return LIFE_IN_T1 * self.t1_s

    # --- as a client

    async def request(
        self,
        request: SipRequest,
        to: Address,
        *,
        on_provisional: OnResponse | None = None,
        on_repeated_success: OnResponse | None = None,
    ) -> SipResponse:
        """Send and wait for the final response; 408 with reason "no response" if none came."""
        client = self.start(request, to, on_provisional=on_provisional, on_repeated_success=on_repeated_success)
        return await client

    def start(
        self,
        request: SipRequest,
        to: Address,
        *,
        on_provisional: OnResponse | None = None,
        on_repeated_success: OnResponse | None = None,
    ) -> asyncio.Future[SipResponse]:
        """Like `request`, returning at once."""
        loop = asyncio.get_running_loop()
        cap_s = float("inf") if request.method == "INVITE" else T2_S
        sending = Retransmission(self.transport, request.to_bytes(), to, t1_s=self.t1_s, cap_s=cap_s)
        client = _Client(request, to, loop.create_future(), sending, on_provisional, on_repeated_success)
        key = (top_via(request).branch, request.method)
        self._clients[key] = client
        client.timeout = loop.call_later(self.life_s, self._timed_out, key)
        return client.future

    def _timed_out(self, key: tuple[str, str]) -> None:
        client = self._clients.pop(key)
        client.sending.stop()
        if not client.future.done():
            client.future.set_result(response_to(client.request, 408, reason="no response"))

    def expire(self, request: SipRequest) -> None:
        """Give up an INVITE that was cancelled if its final response does not come (RFC 3261 §9.1)."""
        key = (top_via(request).branch, request.method)
        client = self._clients.get(key)
        if client is not None and not client.future.done():
            if client.timeout is not None:
                client.timeout.cancel()
            client.timeout = asyncio.get_running_loop().call_later(self.life_s, self._timed_out, key)

    def _got_response(self, response: SipResponse, raw: RawMessage) -> None:
        key = (top_via(response).branch, cseq_of(response)[1])
        client = self._clients.get(key)
        if client is None:
            self.raw.put_nowait(raw)
            return
        is_invite = client.request.method == "INVITE"
        if is_invite or response.is_final:
            client.sending.stop()
        if not response.is_final:
            self._got_provisional(client, response, is_invite)
            return
        if is_invite and response.status >= 300:
            self.transport.send(ack_for_refusal(client.request, response).to_bytes(), client.to)
        if not client.future.done():
            self._forget_later(key, client)
            client.future.set_result(response)
        elif is_invite and response.status < 300 and client.on_repeated_success is not None:
            client.on_repeated_success(response)

    def _got_provisional(self, client: _Client, response: SipResponse, is_invite: bool) -> None:
        # Ringing has no limit of its own (RFC 3261 §17.1.1.2: timer B ends with the first 1xx).
        if is_invite and client.timeout is not None:
            client.timeout.cancel()
        if client.on_provisional is not None:
            client.on_provisional(response)

    def _forget_later(self, key: tuple[str, str], client: _Client) -> None:
        """Keep it so that repeated final responses are recognised (timers D, K, M)."""
        if client.timeout is not None:
            client.timeout.cancel()
        loop = asyncio.get_running_loop()
        client.timeout = loop.call_later(self.life_s, lambda: self._clients.pop(key, None))

    # --- as a server

    def respond(self, request: SipRequest, response: SipResponse, to: Address, *, until_ack: bool = False) -> None:
        """Send a response; `until_ack` repeats it until `acknowledged` (finals of INVITE)."""
        data = response.to_bytes()
        server = self._servers.setdefault(_server_key(request), _Server())
        server.response = data
        if not until_ack:
            self.transport.send(data, to)
            return
        server.repeating = Retransmission(self.transport, data, to, t1_s=self.t1_s, cap_s=T2_S)
        stop = asyncio.get_running_loop().call_later(self.life_s, server.repeating.stop)
        server.handles.append(stop)

    def acknowledged(self, request: SipRequest) -> None:
        """The ACK of this INVITE came."""
        server = self._servers.get(_server_key(request))
        if server is not None and server.repeating is not None:
            server.repeating.stop()

    def _got_request(self, request: SipRequest, source: Address) -> None:
        key = _server_key(request)
        server = self._servers.get(key)
        if request.method == "ACK":
            if server is not None:
                self.acknowledged(request)
            self._on_request(request, source)
            return
        if server is not None:
            if server.response is not None:
                self.transport.send(server.response, source)
            return
        server = self._servers[key] = _Server()
        loop = asyncio.get_running_loop()
        # An INVITE may ring for long; other requests are answered at once.
        life_s = self.life_s * (20 if request.method == "INVITE" else 1)
        server.handles.append(loop.call_later(life_s, lambda: self._servers.pop(key, None)))
        self._on_request(request, source)

    # --- both

    def on_data(self, data: bytes, source: Address) -> None:
        """Take what arrived."""
        if not data.strip(b"\r\n\x00"):
            return
        raw = RawMessage(data, source, time.monotonic())
        try:
            message = parse_message(data)
            if isinstance(message, SipResponse):
                self._got_response(message, raw)
            else:
                self._got_request(message, source)
        except MalformedMessage:
            self.raw.put_nowait(raw)

    async def raw_message(self, timeout_s: float, containing: bytes) -> RawMessage:
        """The next message that belongs to no transaction and contains these bytes. Raises TimeoutError."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            left_s = max(0.001, deadline_s - time.monotonic())
            try:
                async with asyncio.timeout(left_s):
                    raw = await self.raw.get()
            except TimeoutError:
                raise TimeoutError(f"no response to raw bytes came in {timeout_s} s") from None
            if containing in raw.data:
                return raw

    def close(self) -> None:
        """Stop every timer; requests under way end with 408."""
        for client in self._clients.values():
            client.sending.stop()
            if client.timeout is not None:
                client.timeout.cancel()
            if not client.future.done():
                client.future.set_result(response_to(client.request, 408, reason="peer closed"))
        for server in self._servers.values():
            if server.repeating is not None:
                server.repeating.stop()
            for handle in server.handles:
                handle.cancel()
        self._clients.clear()
        self._servers.clear()


def _server_key(request: SipRequest) -> tuple[str, str, str]:
    via = top_via(request)
    return via.branch, via.sent_by, "INVITE" if request.method == "ACK" else request.method


def ack_for_refusal(invite: SipRequest, response: SipResponse) -> SipRequest:
    """The ACK of a final response of 300 or more: part of the INVITE's transaction (RFC 3261 §17.1.1.3)."""
    ack = SipRequest("ACK", invite.uri)
    ack.headers.add("Via", invite.headers.need("Via"))
    for name, value in invite.headers:
        if name in {"Max-Forwards", "From", "Call-ID", "Route"}:
            ack.headers.add(name, value)
    ack.headers.add("To", response.headers.need("To"))
    ack.headers.add("CSeq", f"{cseq_of(invite)[0]} ACK")
    return ack


def cancel_for(invite: SipRequest) -> SipRequest:
    """The CANCEL of an INVITE (RFC 3261 §9.1)."""
    cancel = SipRequest("CANCEL", invite.uri)
    for name, value in invite.headers:
        if name in {"Via", "Max-Forwards", "From", "To", "Call-ID", "Route"}:
            cancel.headers.add(name, value)
    cancel.headers.add("CSeq", f"{cseq_of(invite)[0]} CANCEL")
    return cancel
