"""Looks up the names of hosts that the library wants to send to, beside the SIP thread.

By itself the library asks the system's resolver in the middle of a poll: every call would wait for a slow name server,
and a stranger chooses which one is asked, by the name of a host in his Contact. It has a place for a resolver of others
(`pjsip_ext_resolver`), which may take its time: what waits for an address is given up by the library's own timers.
"""

from __future__ import annotations

import ctypes
import ipaddress
import socket
import struct
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import ClassVar, Final

import structlog

from ivr.sip.native import POINTER, Text, function, is_known_release
from ivr.sip.peers import NameGate, resolve

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_LOOKUPS_AT_ONCE: Final = 4
_MOST_ADDRESSES: Final = 8
"""`PJSIP_MAX_RESOLVED_ADDRESSES`."""
_NO_ADDRESS: Final = 70018
"""`PJ_ERESOLVE`."""
_UDP, _TCP, _TLS, _IPV6 = 1, 2, 3, 128
"""`pjsip_transport_type_e`; the last one is added for IPv6."""
_RELIABLE, _SECURE = 1, 2
"""`pjsip_transport_flags_e`."""
_SOCKADDR_BYTES: Final = 28

log = structlog.get_logger(__name__)


class _Target(ctypes.Structure):
    """`pjsip_host_info`."""

    _fields_: ClassVar = [("flag", ctypes.c_uint), ("type", ctypes.c_int), ("host", Text), ("port", ctypes.c_int)]


class _Record(ctypes.Structure):
    """An entry of `pjsip_server_addresses`."""

    _fields_: ClassVar = [
        ("type", ctypes.c_int),
        ("priority", ctypes.c_uint),
        ("weight", ctypes.c_uint),
        ("address", ctypes.c_ubyte * _SOCKADDR_BYTES),
        ("address_bytes", ctypes.c_int),
    ]


class _Records(ctypes.Structure):
    """`pjsip_server_addresses`."""

    _fields_: ClassVar = [("count", ctypes.c_uint), ("records", _Record * _MOST_ADDRESSES)]


_Resolve = ctypes.CFUNCTYPE(None, POINTER, POINTER, ctypes.POINTER(_Target), POINTER, POINTER)
_Done = ctypes.CFUNCTYPE(None, ctypes.c_int, POINTER, ctypes.POINTER(_Records))


class NameLookup(NameGate):
    """Finds addresses, for the library too. Keep it as long as the library lives; SIP thread only.

    What strangers name is looked up by other threads than what we ask for.
    """

    def __init__(self, post: Callable[[Callable[[], None]], None]) -> None:
        super().__init__(post)
        self._strangers = ThreadPoolExecutor(_LOOKUPS_AT_ONCE, thread_name_prefix="sip-lookup")
        self._resolve = _Resolve(self._wanted)
        self._entry = POINTER(ctypes.cast(self._resolve, POINTER).value)
        self._is_closed = False

    def register(self) -> None:
        """After the library was initialized. With another release of it, it goes on asking by itself."""
        if is_known_release():
            endpoint = function("pjsua_get_pjsip_endpt", POINTER)()
            function("pjsip_endpt_set_ext_resolver", ctypes.c_int, POINTER, POINTER)(
                endpoint, ctypes.byref(self._entry)
            )

    def _wanted(self, resolver: int, pool: int, target: ctypes._Pointer[_Target], token: int, done: int) -> None:
        """`pjsip_ext_resolver.resolve`: answer at once for an address, later for a name."""
        wanted = target.contents
        host = wanted.host.to_bytes().decode("latin-1").strip("[]")
        kind, port = transport_of(wanted.type, wanted.flag), int(wanted.port)
        answer = partial(self._answer, _Done(done), token, kind, port)
        try:
            answer([str(ipaddress.ip_address(host))])
        except ValueError:
            self._strangers.submit(resolve, host).add_done_callback(partial(self._found, answer))

    def _found(self, answer: Callable[[Sequence[str]], None], lookup: Future[set[str]]) -> None:
        if not lookup.cancelled():
            self._post(partial(self._answer_unless_closed, answer, sorted(lookup.result())))

    def _answer_unless_closed(self, answer: Callable[[Sequence[str]], None], found: Sequence[str]) -> None:
        if not self._is_closed:
            answer(found)

    def _answer(self, done: Callable[..., None], token: int, kind: int, port: int, found: Sequence[str]) -> None:
        records = _records(map(ipaddress.ip_address, found), kind, port)
        done(0 if records.count else _NO_ADDRESS, token, ctypes.byref(records))

    def close(self) -> None:
        """Before the library is destroyed: what is still asked for gets no answer."""
        self._is_closed = True
        self._strangers.shutdown(wait=False, cancel_futures=True)
        super().close()


def transport_of(kind: int, flags: int) -> int:
    """The transport for a target that may leave it open (RFC 3263 §4.1, without NAPTR and SRV)."""
    if kind:
        return kind
    if flags & _SECURE:
        return _TLS
    return _TCP if flags & _RELIABLE else _UDP


def _records(addresses: Iterable[Address], kind: int, port: int) -> _Records:
    is_ipv6, port = bool(kind & _IPV6), port or (5061 if kind & ~_IPV6 == _TLS else 5060)
    records = _Records()
    for address in addresses:
        if records.count < _MOST_ADDRESSES and (address.version == 6) == is_ipv6:
            packed = sockaddr(address, port)
            record = records.records[records.count]
            record.type, record.address_bytes = kind, len(packed)
            ctypes.memmove(record.address, packed, len(packed))
            records.count += 1
    return records


def sockaddr(address: Address, port: int) -> bytes:
    """`struct sockaddr_in` or `sockaddr_in6`, as this machine has them."""
    start = struct.pack("=H", socket.AF_INET if address.version == 4 else socket.AF_INET6) + struct.pack("!H", port)
    if address.version == 4:
        return start + address.packed + bytes(8)
    return start + bytes(4) + address.packed + bytes(4)
