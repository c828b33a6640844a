"""Keeps a call's audio to the caller: tells the kernel from which hosts its RTP port may receive. SIP thread only.

By itself the library takes whoever sends ten packets in a row for a caller behind a NAT who has moved, plays what it
sends, and sends the call's audio there. A flood fits ten packets between two of the caller's.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ClassVar, Final

import pjsua2 as pj
import structlog

from ivr.sip.media_source import MediaSource
from ivr.sip.native import POINTER, function, is_known_release
from ivr.sip.socket_filter import restrict
from ivr.sip.thread import SipThread
from ivr.sip.translate import peer_host

LOOK_EVERY_S: Final = 0.5
_SOCKADDR_BYTES: Final = 28

log = structlog.get_logger(__name__)


class _Sockets(ctypes.Structure):
    """`pjmedia_sock_info`."""

    _fields_: ClassVar = [
        ("rtp", ctypes.c_long),
        ("rtp_name", ctypes.c_ubyte * _SOCKADDR_BYTES),
        ("rtcp", ctypes.c_long),
        ("rtcp_name", ctypes.c_ubyte * _SOCKADDR_BYTES),
    ]


class _TransportInfo(ctypes.Structure):
    """The beginning of `pjmedia_transport_info`, and room for the rest."""

    _fields_: ClassVar = [
        ("sockets", _Sockets),
        ("rtp_source", ctypes.c_ubyte * _SOCKADDR_BYTES),
        ("rest", ctypes.c_ubyte * 8192),
    ]


class MediaLooks:
    """Has the locks of all legs looked at in one go: waking the SIP thread costs ten times as much as a look."""

    def __init__(self, thread: SipThread) -> None:
        self._thread = thread
        self._looks: dict[MediaLock, Callable[[], bool]] = {}
        self._is_due = False

    def begin(self, lock: MediaLock, look: Callable[[], bool]) -> None:
        """Look every `LOOK_EVERY_S` from now on, instead of what was looked at before, until that says False."""
        self._looks[lock] = look
        if not self._is_due:
            self._wait()

    def _wait(self) -> None:
        self._is_due = True
        self._thread.after(LOOK_EVERY_S, self._look_at_all)

    def end(self, lock: MediaLock) -> None:
        """Look no more."""
        self._looks.pop(lock, None)

    def _look_at_all(self) -> None:
        self._is_due = False
        if self._looks:
            self._wait()
        for lock, look in list(self._looks.items()):
            if not look():
                self.end(lock)


class MediaLock:
    """Of one leg. `begin` with each negotiation of its audio; it ends with the call."""

    def __init__(self, looks: MediaLooks, now_s: Callable[[], float]) -> None:
        self._looks = looks
        self._now_s = now_s
        self.signalled = ""
        """Host that the peer's SIP messages come from."""

    def begin(self, call_of: Callable[[], Any], stream: int) -> None:
        """The stream's audio was negotiated, for the first time or anew.

        `call_of` gives the library's call, None when that is gone: it must not be kept here, see
        `UserAgent._drop_ended_calls`.
        """
        call = call_of()
        if not is_known_release() or call is None:
            return
        announced = peer_host(str(call.getStreamInfo(stream).remoteRtpAddress))
        source = MediaSource((announced, self.signalled), self._now_s())
        self._restrict(_transport(call, stream), source.allowed)
        self._looks.begin(self, partial(self._look, call_of, stream, source))

    def _look(self, call_of: Callable[[], Any], stream: int, source: MediaSource) -> bool:
        """Whether there is more to look at."""
        call = call_of()
        if call is None or call.getId() < 0 or not call.isActive():
            return False
        try:
            packets = int(call.getStreamStat(stream).rtcp.rxStat.pkt)
        except pj.Error:
            return False  # it has no audio any more
        transport, before = _transport(call, stream), source.allowed
        if transport is not None and source.looked(_host(transport.rtp_source), packets, self._now_s()) != before:
            self._restrict(transport, source.allowed)
        return True

    def end(self) -> None:
        """Look no more."""
        self._looks.end(self)

    @staticmethod
    def _restrict(transport: _TransportInfo | None, hosts: Iterable[str] | None) -> None:
        if transport is None:
            return
        try:
            restrict(int(transport.sockets.rtp), hosts)
        except (OSError, ValueError) as error:
            log.debug("sip.media_not_kept_to_the_caller", error=str(error))


def _transport(call: Any, stream: int) -> _TransportInfo | None:
    """None where the call has no such stream."""
    info = _TransportInfo()
    get = function("pjsua_call_get_med_transport_info", ctypes.c_int, ctypes.c_int, ctypes.c_uint, POINTER)
    return info if get(int(call.getId()), stream, ctypes.byref(info)) == 0 else None


def _host(address: Any) -> str:
    """The host of a `pj_sockaddr`; empty when it is none of IPv4, or 0.0.0.0."""
    (family,) = struct.unpack_from("=H", address)
    host = socket.inet_ntoa(bytes(address[4:8]))
    return host if family == socket.AF_INET and host != "0.0.0.0" else ""
