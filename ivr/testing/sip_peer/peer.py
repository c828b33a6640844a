"""The peer: one SIP address with its calls, registration and policies."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from types import TracebackType
from typing import Literal, Self

from ivr.errors import TelephonyError
from ivr.testing.sip_peer.call import PeerCall
from ivr.testing.sip_peer.dialog import ALLOW, SipDialog, dialog_of_invite
from ivr.testing.sip_peer.digest import Credentials, answering_challenges
from ivr.testing.sip_peer.incoming import apply_policy, take_over
from ivr.testing.sip_peer.media import RtpEngine
from ivr.testing.sip_peer.message import (
    MalformedMessage,
    SipRequest,
    SipResponse,
    new_token,
    parse_address,
    parse_name_addr,
    parse_uri,
    response_to,
)
from ivr.testing.sip_peer.policy import AnswerAfter, FollowRefer, IncomingPolicy, ReferPolicy
from ivr.testing.sip_peer.refer import call_replaced_by
from ivr.testing.sip_peer.sdp import build_offer
from ivr.testing.sip_peer.transaction import RawMessage, Transactions
from ivr.testing.sip_peer.transport import Address, SignallingTransport, open_transport

_UNREGISTER_PATIENCE_S = 1.0
_NOT_OPEN = "the peer is not open; use `async with SipPeer(...) as peer`"


class SipPeer:
    """A SIP endpoint. Use it as `async with SipPeer(...) as peer`; see the package for what it can do."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        user: str = "caller",
        password: str | None = None,
        registrar: str | None = None,
        transport: Literal["udp", "tcp"] = "udp",
        codecs: Sequence[str] = ("PCMU", "PCMA"),
        telephone_event: bool = True,
        offers_video: bool = False,
        incoming: IncomingPolicy | None = None,
        refer: ReferPolicy | None = None,
        display_name: str = "",
        rtp_ports: tuple[int, int] = (24000, 32000),
    ) -> None:
        self.user, self.display_name = user, display_name
        self.codecs = tuple(codecs)
        self.telephone_event = telephone_event
        self.offers_video = offers_video
        """Whether its offers name a VP8 stream beside the audio, which it neither sends nor looks at."""
        self.incoming_policy: IncomingPolicy = incoming or AnswerAfter()
        self.refer_policy: ReferPolicy = refer or FollowRefer()
        self.message_status = 200
        """How a MESSAGE (RFC 3428) is answered."""
        self.messages: list[str] = []
        """Texts that came."""
        self.calls: list[PeerCall] = []
        """Every call so far, both ways, the ended ones too."""
        self._by_tag: dict[str, PeerCall] = {}
        self.refused: list[SipRequest] = []
        """Requests outside any call that were answered with an error."""
        self._rtp_ports = rtp_ports
        self._rtp: RtpEngine | None = None
        self._credentials = Credentials(user, password) if password is not None else None
        self._registrar = registrar
        self._bind = (host, port)
        self._kind = transport
        self._transport: SignallingTransport | None = None
        self._transactions: Transactions | None = None
        self._arrived: asyncio.Queue[PeerCall] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._register_dialog: SipDialog | None = None
        self._is_registered = False

    # --- life

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Bind the signalling socket. Raises OSError."""
        host, port = self._bind
        self._transport = await open_transport(
            self._kind, host, port, lambda data, at: self.transactions.on_data(data, at)
        )
        self._transactions = Transactions(self._transport, self._got_request)
        self._rtp = RtpEngine(host, self._rtp_ports)

    async def close(self) -> None:
        """End every call (BYE, CANCEL, 480), unregister, close every socket, task and thread. Idempotent."""
        if self._transport is None:
            return
        open_calls = [call for call in self.calls if not call.is_ended]
        await asyncio.gather(*(call.hang_up() for call in open_calls), return_exceptions=True)
        if self._is_registered:
            try:
                async with asyncio.timeout(_UNREGISTER_PATIENCE_S):
                    await self.register(0)
            except (TimeoutError, TelephonyError):
                self._is_registered = False
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.transactions.close()
        transport, self._transport = self._transport, None
        await transport.close()
        self.rtp.close()

    @property
    def transactions(self) -> Transactions:
        """The transaction layer; `transactions.t1_s` may be lowered in tests of timeouts."""
        if self._transactions is None:
            raise RuntimeError(_NOT_OPEN)
        return self._transactions

    @property
    def rtp(self) -> RtpEngine:
        """The thread that serves the audio of all calls."""
        if self._rtp is None:
            raise RuntimeError(_NOT_OPEN)
        return self._rtp

    @property
    def address(self) -> Address:
        """Host and port of the signalling socket."""
        return self.transactions.transport.local

    @property
    def uri(self) -> str:
        """Where others can call this peer directly."""
        tcp = ";transport=tcp" if self._kind == "tcp" else ""
        return f"sip:{self.user}@{self.address[0]}:{self.address[1]}{tcp}"

    @property
    def contact(self) -> str:
        """Value of our Contact header."""
        return f"<{self.uri}>"

    @property
    def via(self) -> str:
        """Value of our Via header without its parameters."""
        return f"SIP/2.0/{self.transactions.transport.name} {self.address[0]}:{self.address[1]}"

    def start_task(self, work: Coroutine[object, object, None]) -> None:
        """Run something that ends with the peer at the latest."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- registration

    async def register(self, expires_s: int = 3600) -> SipResponse:
        """REGISTER at the registrar (RFC 3261 §10); 0 removes the binding. Raises TelephonyError if it is refused."""
        if self._registrar is None:
            raise RuntimeError("the peer has no registrar; pass registrar='127.0.0.1:5080'")
        host, port = parse_address(self._registrar)
        if self._register_dialog is None:
            aor = f"<sip:{self.user}@{host}:{port}>"
            self._register_dialog = self._new_dialog(f"sip:{host}:{port}", aor, aor)
        dialog = self._register_dialog

        def make() -> SipRequest:
            request = dialog.request("REGISTER")
            request.headers.set("Expires", str(expires_s))
            return request

        response = await self.with_credentials(make, lambda request: self.transactions.request(request, (host, port)))
        if response.status >= 300:
            raise TelephonyError(
                f"REGISTER was refused: {response.status} {response.reason}", sip_status=response.status
            )
        self._is_registered = expires_s > 0
        return response

    async def with_credentials(
        self, make: Callable[[], SipRequest], send: Callable[[SipRequest], Awaitable[SipResponse]]
    ) -> SipResponse:
        """Send a request, and again with credentials when it is challenged (RFC 3261 §22)."""
        return await answering_challenges(make, send, self._credentials)

    # --- calls that we make

    async def dial(
        self,
        uri: str,
        *,
        codecs: Sequence[str] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 30.0,
        from_user: str | None = None,
        from_name: str | None = None,
        next_hop: Address | None = None,
        late_offer: bool = False,
    ) -> PeerCall:
        """Call and wait for the final response. Never raises because of it: see `.is_answered`, `.status`, `.ended_by`.

        After `timeout_s` without one the call is cancelled (status 487, ended by local).
        """
        call = await self.invite(
            uri,
            codecs=codecs,
            headers=headers,
            from_user=from_user,
            from_name=from_name,
            next_hop=next_hop,
            late_offer=late_offer,
        )
        try:
            await call.wait_final(timeout_s)
        except TimeoutError:
            await call.cancel(self.transactions.life_s + 1)
        return call

    async def invite(
        self,
        uri: str,
        *,
        codecs: Sequence[str] | None = None,
        headers: Mapping[str, str] | None = None,
        from_user: str | None = None,
        from_name: str | None = None,
        next_hop: Address | None = None,
        late_offer: bool = False,
    ) -> PeerCall:
        """Call and return at once; `wait_final`, `wait_answered`, `cancel` follow on the call.

        `next_hop` sends it to that address whatever the URI says; `late_offer` leaves the SDP to the ACK.
        """
        target = parse_uri(uri)
        host, port = self._bind[0], self.address[1]
        domain = self._registrar_domain() or f"{host}:{port}"
        name = self.display_name if from_name is None else from_name
        local = f"<sip:{from_user or self.user}@{domain}>"
        dialog = self._new_dialog(uri, f'"{name}" {local}' if name else local, f"<{target.without_headers()}>")
        dialog.next_hop = next_hop
        call = PeerCall(self, dialog, self.rtp.open(), is_outgoing=True)
        call.codecs = tuple(codecs or self.codecs)
        self._keep(call)
        offer = b"" if late_offer else call.offer_sdp()
        self.start_task(call.run_invite(lambda: self._initial_invite(call, offer, headers or {})))
        return call

    def _initial_invite(self, call: PeerCall, offer: bytes, headers: Mapping[str, str]) -> SipRequest:
        # A retry with credentials starts a new dialog: the refusal's To tag is not part of it.
        call.dialog.remote = call.dialog.remote.split(";tag=")[0]
        request = call.dialog.request("INVITE")
        request.headers.add("Allow", ALLOW)
        request.headers.add("Supported", "replaces")
        for name, value in headers.items():
            request.headers.set(name, value)
        if offer:
            request.headers.add("Content-Type", "application/sdp")
            request.body = offer
        return request

    def _registrar_domain(self) -> str:
        if self._registrar is None:
            return ""
        host, port = parse_address(self._registrar)
        return f"{host}:{port}"

    def _new_dialog(self, target: str, local: str, remote: str) -> SipDialog:
        return SipDialog(
            call_id=f"{new_token()}@{self.address[0]}",
            local=f"{local};tag={new_token(4)}",
            remote=remote,
            contact=self.contact,
            target=target,
            via=self.via,
        )

    # --- calls that come

    async def wait_call(self, timeout_s: float = 10.0) -> PeerCall:
        """The next incoming call, as soon as its INVITE is here (not yet answered). Raises TimeoutError."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._arrived.get()
        except TimeoutError:
            raise TimeoutError(f"no call came to {self.user} in {timeout_s} s") from None

    def _got_request(self, request: SipRequest, source: Address) -> None:
        try:
            call = self._call_of(request)
            if call is not None:
                call.receive(request, source)
            elif request.method == "INVITE" and not parse_name_addr(request.headers.need("To")).tag:
                self._got_invite(request, source)
            else:
                self._got_outside(request, source)
        except MalformedMessage:
            self.reply(request, 400, source)

    def _call_of(self, request: SipRequest) -> PeerCall | None:
        call_id = request.headers.need("Call-ID")
        local_tag = parse_name_addr(request.headers.need("To")).tag
        if not local_tag:
            return None
        call = self._by_tag.get(local_tag)
        return call if call is not None and call.call_id == call_id else None

    def _keep(self, call: PeerCall) -> None:
        self.calls.append(call)
        self._by_tag[call.dialog.local_tag] = call

    def _got_outside(self, request: SipRequest, source: Address) -> None:
        if request.method == "CANCEL":
            self._got_cancel(request, source)
        elif request.method == "OPTIONS":
            self.reply(request, 200, source)
        elif request.method == "MESSAGE":
            self.messages.append(request.body.decode("utf-8", "replace"))
            self.reply(request, self.message_status, source)
        elif request.method != "ACK":
            status = 481 if parse_name_addr(request.headers.need("To")).tag else 405
            self.reply(request, status, source)

    def _got_cancel(self, request: SipRequest, source: Address) -> None:
        call_id = request.headers.need("Call-ID")
        call = next((call for call in self.calls if call.call_id == call_id and not call.is_outgoing), None)
        self.reply(request, 200 if call is not None else 481, source)
        if call is not None:
            call.got_cancel()

    def _got_invite(self, invite: SipRequest, source: Address) -> None:
        replaced = None
        if "Replaces" in invite.headers:
            replaced = call_replaced_by(invite, self.calls)
            if replaced is None:
                self.reply(invite, 481, source)
                return
        dialog = dialog_of_invite(invite, local_tag=new_token(4), contact=self.contact, via=self.via, source=source)
        call = PeerCall(self, dialog, self.rtp.open(), is_outgoing=False)
        call.invite_request, call.source, call.replaced = invite, source, replaced
        self._keep(call)
        self._arrived.put_nowait(call)
        self.start_task(take_over(call, replaced) if replaced else apply_policy(call, self.incoming_policy))

    def reply(self, request: SipRequest, status: int, to: Address) -> None:
        """Answer a request outside of an INVITE's own dialog handling."""
        response = response_to(request, status, to_tag=new_token(4))
        response.headers.add("Contact", self.contact)
        response.headers.add("Allow", ALLOW)
        if status >= 400:
            self.refused.append(request)
        self.transactions.respond(request, response, to, until_ack=request.method == "INVITE" and status >= 300)

    # --- raw

    def invite_text(self, uri: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> bytes:
        """A correct INVITE as bytes, with its own Call-ID, for tests that mangle it and `send_raw` it."""
        target = parse_uri(uri)
        local = f"<sip:{self.user}@{self.address[0]}:{self.address[1]}>"
        dialog = self._new_dialog(uri, local, f"<{target.without_headers()}>")
        request = dialog.request("INVITE")
        for name, value in (headers or {}).items():
            request.headers.set(name, value)
        request.body = build_offer(self.address[0], 9, self.codecs) if body is None else body
        if request.body:
            request.headers.set("Content-Type", "application/sdp")
        return request.to_bytes()

    def send_raw(self, data: bytes, to: Address) -> None:
        """Send any bytes from the signalling socket."""
        self.transactions.transport.send(data, to)

    async def raw_response(self, timeout_s: float = 2.0, *, containing: bytes = b"") -> RawMessage:
        """The next message that belongs to no transaction of ours and contains these bytes. Raises TimeoutError."""
        return await self.transactions.raw_message(timeout_s, containing)

    async def options(self, to: Address, timeout_s: float = 2.0) -> SipResponse:
        """Ping: OPTIONS to an address; 408 when nothing answers within `timeout_s`."""
        uri = f"sip:{to[0]}:{to[1]}"
        request = self._new_dialog(uri, f"<sip:{self.user}@{self.address[0]}>", f"<{uri}>").request("OPTIONS")
        try:
            async with asyncio.timeout(timeout_s):
                return await self.transactions.request(request, to)
        except TimeoutError:
            return response_to(request, 408, reason="no response")
