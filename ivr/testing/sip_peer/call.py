"""One call of a peer: the SIP side of it, on top of its audio. Runs on the event loop's thread."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from ivr.errors import TelephonyError
from ivr.testing.sip_peer.call_state import CallState, EndedBy, Provisional, ReferNotify, TimedRequest
from ivr.testing.sip_peer.dialog import ALLOW
from ivr.testing.sip_peer.info_keys import DTMF_RELAY, key_of_info, relay_body
from ivr.testing.sip_peer.message import (
    REASONS,
    SipRequest,
    SipResponse,
    cseq_of,
    parse_name_addr,
    response_to,
)
from ivr.testing.sip_peer.refer import follow_policy, replaces_target
from ivr.testing.sip_peer.rtp import KeyShape
from ivr.testing.sip_peer.sdp import AudioSdp, BadSdp, answer_to, build_offer, build_sdp, parse_sdp
from ivr.testing.sip_peer.stream import Sending
from ivr.testing.sip_peer.transaction import cancel_for
from ivr.testing.sip_peer.transport import Address

_JUST_CONFIRMED = {"INFO", "OPTIONS", "NOTIFY", "UPDATE", "MESSAGE"}
_BYE_PATIENCE_S = 2.0


class PeerCall(CallState):
    """A call, made by `SipPeer.dial`/`invite` or given by `SipPeer.wait_call`."""

    # --- what a test does

    async def hang_up(self, *, headers: Mapping[str, str] | None = None) -> None:
        """End it by BYE, CANCEL or 480, whichever its state asks for; returns when that is confirmed. Idempotent."""
        if self.is_ended:
            return
        if not self.is_answered:
            if self.is_outgoing:
                await self.cancel()
            else:
                self.reject(480)
            return
        self._finish("local")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_BYE_PATIENCE_S):
                await self.send_request("BYE", headers=headers)

    async def cancel(self, timeout_s: float = 5.0) -> None:
        """CANCEL our INVITE (after its first 1xx, RFC 3261 §9.1), wait for its end; a 200 that crosses gets a BYE."""
        if not self._is_cancelled:
            self._is_cancelled = True
            self._send_cancel()
        await self.wait_ended(timeout_s)

    def ring(self, status: int = 180) -> None:
        """Send a provisional response without SDP."""
        self._respond(status)

    def progress(self, status: int = 183) -> None:
        """Send a provisional response with SDP: early media (RFC 3960)."""
        self._respond(status, self._answer_sdp(self._invite().body))

    def answer(self) -> None:
        """Send 200 with the SDP answer (an offer, if the INVITE had none) until the ACK; 488 without a common codec."""
        if self.is_answered or self.is_ended:
            return
        try:
            body = self._answer_sdp(self._invite().body)
        except BadSdp:
            self.reject(488)
            return
        self._accepted = self._invite()
        self._offers_in_ack = not self._invite().body
        self._mark_answered()
        self._respond(200, body, until_ack=True)

    def reject(self, status: int, *, headers: Mapping[str, str] | None = None) -> None:
        """Refuse the incoming call."""
        if not self.is_answered and not self.is_ended:
            self._respond(status, until_ack=True, headers=headers)
            self._finish("local", status)

    async def press(
        self,
        keys: str,
        *,
        method: Literal["rfc4733", "info"] = "rfc4733",
        duration_ms: int = 100,
        gap_ms: int = 100,
        volume: int = 10,
        end_packets: int = 3,
        has_marker: bool = True,
        held_ms: int = 0,
        drop_packets: Iterable[int] = (),
    ) -> list[Sending]:
        """Press keys; returns when the last is released, with the instants of each. See KeyShape for the options.

        By INFO (application/dtmf-relay) only `duration_ms` and `gap_ms` matter.
        """
        shape = KeyShape(duration_ms, gap_ms, volume, end_packets, has_marker, held_ms, frozenset(drop_packets))
        if method == "rfc4733":
            return await self.press_rtp(keys, shape)
        return [await self._press_info(digit, shape) for digit in keys]

    async def _press_info(self, digit: str, shape: KeyShape) -> Sending:
        started_at_s = time.monotonic()
        body = relay_body(digit, shape.duration_ms)
        response = await self.send_request("INFO", body=body, content_type=DTMF_RELAY)
        if response.status >= 300:
            raise TelephonyError(f"INFO was refused: {response.status}", sip_status=response.status)
        sending = Sending(digit, started_at_s, time.monotonic(), is_done=True)
        await asyncio.sleep((shape.duration_ms + shape.gap_ms) / 1000)
        return sending

    async def reinvite(self, direction: str = "sendrecv") -> SipResponse:
        """Offer again, e.g. `sendonly` or `inactive` for hold (RFC 3264 §8.4); returns the final response."""
        body = self.offer_sdp(direction)
        response = await self.send_request("INVITE", body=body, content_type="application/sdp")
        if response.status < 300:
            self._send_ack(response)
            if response.body:
                self._use_remote(parse_sdp(response.body))
        return response

    async def refer(self, target: str, *, replaces: PeerCall | None = None) -> SipResponse:
        """REFER the other side to a URI, or to the other party of one of our calls (attended, RFC 5589 §7.3)."""
        refer_to = f"<{target}>" if replaces is None else replaces_target(replaces.dialog)
        headers = {"Refer-To": refer_to, "Referred-By": f"<{parse_name_addr(self.dialog.local).uri}>"}
        return await self.send_request("REFER", headers=headers)

    async def notify_refer(self, status: int, reason: str = "", *, is_final: bool) -> None:
        """Report the progress of a REFER that we accepted (RFC 3515 §2.4.5)."""
        state = "terminated;reason=noresource" if is_final else "active;expires=60"
        line = f"SIP/2.0 {status} {reason or REASONS.get(status, 'Unknown')}\r\n".encode()
        headers = {"Event": "refer", "Subscription-State": state}
        await self.send_request("NOTIFY", headers=headers, body=line, content_type="message/sipfrag;version=2.0")

    async def send_request(
        self,
        method: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        content_type: str = "",
    ) -> SipResponse:
        """Any request inside the dialog; returns the final response (408 if none came)."""

        def make() -> SipRequest:
            request = self.dialog.request(method)
            for name, value in (headers or {}).items():
                request.headers.set(name, value)
            if body:
                request.headers.set("Content-Type", content_type)
                request.body = body
            return request

        send = self.peer.transactions.request
        return await self.peer.with_credentials(make, lambda request: send(request, self.dialog.address))

    # --- our INVITE

    async def run_invite(self, make: Callable[[], SipRequest]) -> None:
        """Carry our INVITE to its end. Started by the peer as a task."""

        async def send(request: SipRequest) -> SipResponse:
            self.invite_request = request
            self._cancel_is_sent = False
            return await self.peer.transactions.request(
                request,
                self.dialog.address,
                on_provisional=self._got_provisional,
                on_repeated_success=lambda _: self._resend_ack(),
            )

        response = await self.peer.with_credentials(make, send)
        self.final = response
        if response.status >= 300:
            self.reason = response.reason
            is_silent = response.status == 408 and "Contact" not in response.headers and not self.provisional
            who: EndedBy = "local" if self._is_cancelled else "network" if is_silent else "remote"
            self._finish(who, response.status)
            return
        await self._got_success(response)

    async def _got_success(self, response: SipResponse) -> None:
        self.dialog.established_by(response)
        self._mark_answered()
        has_offered = self.invite_request is not None and self.invite_request.body
        try:
            answer = b"" if has_offered else self._answer_sdp(response.body)
            self._send_ack(response, answer)
            if has_offered:
                self._use_remote(parse_sdp(response.body))
        except BadSdp as error:
            self._send_ack(response)
            self.reason = str(error)
            await self.hang_up()
        if self._is_cancelled:
            await self.hang_up()

    def _got_provisional(self, response: SipResponse) -> None:
        entry = Provisional(response.status, response.reason, time.monotonic(), bool(response.body), response)
        self.provisional.append(entry)
        if parse_name_addr(response.headers.need("To")).tag:
            self.dialog.remote = response.headers.need("To")
        if response.body:
            with contextlib.suppress(BadSdp):
                self._use_remote(parse_sdp(response.body))
        if self._is_cancelled:
            self._send_cancel()

    def _send_cancel(self) -> None:
        if self._cancel_is_sent or self.invite_request is None or not self.provisional:
            return
        self._cancel_is_sent = True
        self.peer.transactions.start(cancel_for(self.invite_request), self.dialog.address)
        self.peer.transactions.expire(self.invite_request)

    def _send_ack(self, response: SipResponse, sdp_answer: bytes = b"") -> None:
        ack = self.dialog.request("ACK", cseq=cseq_of(response)[0])
        if sdp_answer:
            ack.headers.set("Content-Type", "application/sdp")
            ack.body = sdp_answer
        if self.invite_request is not None:
            for name in ("Authorization", "Proxy-Authorization"):
                if (value := self.invite_request.headers.get(name)) is not None:
                    ack.headers.add(name, value)
        self._ack = ack.to_bytes()
        self._resend_ack()

    def _resend_ack(self) -> None:
        self.peer.transactions.transport.send(self._ack, self.dialog.address)

    # --- requests from the other side

    def receive(self, request: SipRequest, source: Address) -> None:
        """Handle a request inside the dialog."""
        if request.method == "ACK":
            self._got_ack(request)
            return
        self.requests.append(TimedRequest(time.monotonic(), request))
        if self.is_ended and request.method not in {"BYE", "NOTIFY"}:
            self.peer.reply(request, 481, source)
            return
        handlers = {"BYE": self._got_bye, "INVITE": self._got_reinvite, "REFER": self._got_refer}
        handler = handlers.get(request.method)
        if handler is None and request.method not in _JUST_CONFIRMED:
            self.peer.reply(request, 501, source)
        else:
            (handler or self._got_other)(request, source)

    def _got_ack(self, ack: SipRequest) -> None:
        if self._accepted is None:
            return
        self.peer.transactions.acknowledged(self._accepted)
        if self._offers_in_ack and ack.body:
            self._offers_in_ack = False
            with contextlib.suppress(BadSdp):
                self._use_remote(parse_sdp(ack.body))

    def _got_bye(self, request: SipRequest, source: Address) -> None:
        self.peer.reply(request, 200, source)
        self._finish("remote")

    def got_cancel(self) -> None:
        """The caller gave up: 487 to its INVITE (RFC 3261 §9.2)."""
        if not self.is_answered and not self.is_ended:
            self._respond(487, until_ack=True)
            self._finish("remote", 487)

    def _got_reinvite(self, request: SipRequest, source: Address) -> None:
        self.dialog.refresh_target(request)
        try:
            body = self._answer_sdp(request.body)
        except BadSdp:
            self.peer.reply(request, 488, source)
            return
        self._accepted = request
        self._offers_in_ack = not request.body
        self._reply_with_sdp(request, body, source, until_ack=True)

    def _got_refer(self, request: SipRequest, source: Address) -> None:
        self.peer.start_task(follow_policy(self, request, source, self.peer.refer_policy))

    def _got_other(self, request: SipRequest, source: Address) -> None:
        if request.method == "UPDATE" and request.body:
            with contextlib.suppress(BadSdp):
                self._reply_with_sdp(request, self._answer_sdp(request.body), source, until_ack=False)
                return
        self.peer.reply(request, 200, source)
        if request.method == "INFO":
            self._note_info_key(request)
        elif request.method == "NOTIFY":
            self._note_refer_progress(request)

    def _note_info_key(self, request: SipRequest) -> None:
        key = key_of_info(request, time.monotonic())
        if key is not None:
            self._info_keys.append(key)

    def _note_refer_progress(self, request: SipRequest) -> None:
        match = re.match(rb"SIP/2\.0 (\d{3})", request.body)
        state = (request.headers.get("Subscription-State") or "").lower()
        if match is not None:
            self.notifies.append(ReferNotify(int(match[1]), state.startswith("terminated"), time.monotonic()))

    # --- SDP

    def offer_sdp(self, direction: str = "sendrecv") -> bytes:
        """An offer of our codecs for this call's audio port, and of video where the peer offers it."""
        offer = build_offer(
            self.peer.address[0],
            self.stream.port,
            self.codecs,
            telephone_event=self.peer.telephone_event,
            direction=direction,
            version=self._sdp_version,
            video=self.peer.offers_video,
        )
        self._sdp_version += 1
        return offer

    def _answer_sdp(self, offer: bytes) -> bytes:
        """The answer, after taking over the offer; without an offer one of our own. Raises BadSdp."""
        if not offer:
            return self.offer_sdp()
        remote = parse_sdp(offer)
        host = self.peer.address[0]
        answer = answer_to(remote, host, self.stream.port, self.codecs, telephone_event=self.peer.telephone_event)
        self._use_remote(remote)
        self._sdp_version += 1
        return build_sdp(answer, version=self._sdp_version)

    def _use_remote(self, remote: AudioSdp) -> None:
        chosen = next(((number, name) for number, name in remote.codecs if name in self.codecs), None)
        if chosen is None:
            raise BadSdp(f"the other side chose none of {list(self.codecs)}")
        self.remote_sdp = remote
        self.stream.configure(remote, chosen[1], chosen[0])
        self.peer.rtp.wake()

    # --- responses and ends

    def _invite(self) -> SipRequest:
        if self.invite_request is None or self.is_outgoing:
            raise RuntimeError("only an incoming call can be answered, rung or refused")
        return self.invite_request

    def _respond(
        self, status: int, body: bytes = b"", *, until_ack: bool = False, headers: Mapping[str, str] | None = None
    ) -> None:
        response = response_to(self._invite(), status, to_tag=self.dialog.local_tag)
        response.headers.add("Contact", self.dialog.contact)
        response.headers.add("Allow", ALLOW)
        for name, value in (headers or {}).items():
            response.headers.set(name, value)
        self._send_response(self._invite(), response, body, self.source, until_ack)

    def _reply_with_sdp(self, request: SipRequest, body: bytes, source: Address, *, until_ack: bool) -> None:
        response = response_to(request, 200)
        response.headers.add("Contact", self.dialog.contact)
        self._send_response(request, response, body, source, until_ack)

    def _send_response(
        self, request: SipRequest, response: SipResponse, body: bytes, source: Address, until_ack: bool
    ) -> None:
        if body:
            response.headers.add("Content-Type", "application/sdp")
            response.body = body
        self.peer.transactions.respond(request, response, source, until_ack=until_ack)

    def _mark_answered(self) -> None:
        self.answered_at_s = time.monotonic()
        self.status, self.reason = 200, "OK"
        self._answered.set()

    def _finish(self, ended_by: EndedBy, status: int = 0) -> None:
        if self.is_ended:
            return
        self.ended_at_s, self.ended_by = time.monotonic(), ended_by
        self.status = self.status or status
        if self._accepted is not None:
            self.peer.transactions.acknowledged(self._accepted)
        self.peer.rtp.close_stream(self.stream)
        self._ended.set()

    def abandon(self) -> None:
        """Forget it without a word to the other side, as after a crash."""
        self._finish("local")
