"""What is known of a call, and waiting for it to change."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from ivr.errors import TelephonyError
from ivr.testing.sip_peer.audio import CallAudio
from ivr.testing.sip_peer.dialog import SipDialog
from ivr.testing.sip_peer.message import SipRequest, SipResponse
from ivr.testing.sip_peer.sdp import AudioSdp
from ivr.testing.sip_peer.stream import RtpStream
from ivr.testing.sip_peer.waiting import poll

T = TypeVar("T")
if TYPE_CHECKING:
    from ivr.testing.sip_peer.call import PeerCall
    from ivr.testing.sip_peer.peer import SipPeer

EndedBy = Literal["local", "remote", "network"]


@dataclass(frozen=True, slots=True)
class Provisional:
    """A 1xx response to our INVITE."""

    status: int
    reason: str
    at_s: float
    has_sdp: bool
    response: SipResponse


@dataclass(frozen=True, slots=True)
class TimedRequest:
    """A request that came inside the call's dialog."""

    at_s: float
    request: SipRequest


@dataclass(frozen=True, slots=True)
class ReferNotify:
    """A NOTIFY about a REFER that we sent (RFC 3515 §2.4.4)."""

    status: int
    is_final: bool
    at_s: float


class CallState(CallAudio):
    """A call as far as it has come."""

    def __init__(self, peer: SipPeer, dialog: SipDialog, stream: RtpStream, *, is_outgoing: bool) -> None:
        super().__init__(stream)
        self.peer, self.dialog, self.is_outgoing = peer, dialog, is_outgoing
        self.invite_request: SipRequest | None = None
        """The INVITE as sent (the last one, with credentials) or received."""
        self.status = 0
        """Final status of the INVITE; 0 until there is one."""
        self.reason = ""
        self.final: SipResponse | None = None
        """The final response to our INVITE."""
        self.provisional: list[Provisional] = []
        self.requests: list[TimedRequest] = []
        self.notifies: list[ReferNotify] = []
        self.invited_at_s = time.monotonic()
        self.ended_at_s: float | None = None
        self.ended_by: EndedBy | None = None
        self.replaced: PeerCall | None = None
        """The call that this one took over by Replaces (RFC 3891)."""
        self.transferred_to: PeerCall | None = None
        """The call that we made because of a REFER on this one."""
        self._answered, self._ended = asyncio.Event(), asyncio.Event()
        self.codecs = peer.codecs
        """What we offer and accept in this call."""
        self.remote_sdp: AudioSdp | None = None
        """The other side's latest description."""
        self.source = peer.address
        """Where the incoming INVITE came from."""
        self._sdp_version = 1
        self._is_cancelled = self._cancel_is_sent = False
        self._ack: bytes = b""
        self._accepted: SipRequest | None = None
        self._offers_in_ack = False

    def __repr__(self) -> str:
        way = "to" if self.is_outgoing else "from"
        state = "ended" if self.is_ended else "answered" if self.is_answered else "open"
        return f"<PeerCall {self.peer.user} {way} {self.dialog.remote} {state} {self.status}>"

    # --- state

    @property
    def texts(self) -> list[str]:
        """Texts that came within the call (RFC 3428 §4)."""
        came = (timed.request for timed in self.requests if timed.request.method == "MESSAGE")
        return [request.body.decode("utf-8", "replace") for request in came]

    @property
    def is_answered(self) -> bool:
        """Whether it was ever answered."""
        return self.answered_at_s is not None

    @property
    def is_ended(self) -> bool:
        """Whether it is over (or never came about)."""
        return self.ended_at_s is not None

    @property
    def call_id(self) -> str:
        """The Call-ID."""
        return self.dialog.call_id

    def header(self, name: str) -> str | None:
        """A header of the INVITE (incoming) or of its final response (outgoing)."""
        message = self.final if self.is_outgoing else self.invite_request
        return message.headers.get(name) if message is not None else None

    def requests_of(self, method: str) -> list[TimedRequest]:
        """Those of the in-dialog requests received."""
        return [entry for entry in self.requests if entry.request.method == method]

    async def wait_answered(self, timeout_s: float = 10.0) -> None:
        """Until it is answered. Raises TimeoutError; TelephonyError if it failed."""
        await self.wait_final(timeout_s)
        if not self.is_answered:
            raise TelephonyError(f"the call was not answered: {self.status} {self.reason}", sip_status=self.status)

    async def wait_final(self, timeout_s: float = 10.0) -> None:
        """Until it is answered or has failed. Raises TimeoutError."""
        await self._wait_either(timeout_s)
        if not (self.is_answered or self.is_ended):
            raise TimeoutError(f"the call got no final response in {timeout_s} s: {self!r}")

    async def wait_ended(self, timeout_s: float = 10.0) -> None:
        """Until it is over. Raises TimeoutError."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._ended.wait()
        except TimeoutError:
            raise TimeoutError(f"the call did not end in {timeout_s} s: {self!r}") from None

    async def wait_provisional(self, status: int, timeout_s: float = 5.0) -> Provisional:
        """Until a 1xx with this status came. Raises TimeoutError."""
        return await self._poll(
            lambda: next((entry for entry in self.provisional if entry.status == status), None), timeout_s, str(status)
        )

    async def wait_request(self, method: str, timeout_s: float = 5.0) -> TimedRequest:
        """Until an in-dialog request of this method came; returns the latest. Raises TimeoutError."""
        return await self._poll(lambda: next(reversed(self.requests_of(method)), None), timeout_s, method)

    async def wait_refer_done(self, timeout_s: float = 10.0) -> ReferNotify:
        """Until the final NOTIFY of our REFER came. Raises TimeoutError."""
        return await self._poll(
            lambda: next((entry for entry in self.notifies if entry.is_final), None), timeout_s, "final NOTIFY"
        )

    async def _poll(self, look: Callable[[], T | None], timeout_s: float, what: str) -> T:
        return await poll(look, timeout_s, lambda: f"no {what} came: {self!r}")

    async def _wait_either(self, timeout_s: float) -> None:
        waiters = [asyncio.ensure_future(event.wait()) for event in (self._answered, self._ended)]
        try:
            await asyncio.wait(waiters, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiter in waiters:
                waiter.cancel()
