"""Corrects the Contact of who calls from behind a NAT, in the library's own copy of the message. SIP thread only.

The library sends what belongs to a call (BYE, REFER, INFO) where the Contact says (RFC 3261 §12.2.1.1), and has no
setting for callers whose Contact leads nowhere.
"""

from __future__ import annotations

import ctypes
from typing import ClassVar, Final

from ivr.sip.nat import reachable_contact
from ivr.sip.native import POINTER, Text, function
from ivr.sip.translate import SipMessage

_SOURCE_AT: Final = 0x1110
"""Where `pjsip_rx_data` has `pkt_info.src_name` and `pkt_info.src_port`."""
_PORT_LIMIT: Final = 65535


class _Source(ctypes.Structure):
    _fields_: ClassVar = [("host", ctypes.c_char * 46), ("port", ctypes.c_int)]


class _Contact(ctypes.Structure):
    """`pjsip_contact_hdr`, as far as its URI."""

    _fields_: ClassVar = [
        ("links", ctypes.c_void_p * 2),
        ("kind", ctypes.c_int),
        ("name", Text),
        ("short_name", Text),
        ("functions", ctypes.c_void_p),
        ("is_any", ctypes.c_int),
        ("uri", ctypes.c_void_p),
    ]


class Contacts:
    """Raises AttributeError where the library lacks the functions. For `KNOWN_RELEASE` only."""

    def __init__(self) -> None:
        self._find = function("pjsip_msg_find_hdr_by_name", POINTER, POINTER, POINTER, POINTER)
        self._parse = function("pjsip_parse_uri", POINTER, POINTER, POINTER, ctypes.c_size_t, ctypes.c_uint)
        self._alloc = function("pj_pool_alloc", POINTER, POINTER, ctypes.c_size_t)
        self._kept = ctypes.create_string_buffer(b"Contact")
        self._name = Text(ctypes.addressof(self._kept), len(b"Contact"))

    def correct(self, request: int, pool: int, parsed: int, message: SipMessage) -> None:
        """`parsed` is the library's `pjsip_msg`; what is put into it lives in `pool`, with the request."""
        host, port = source_of(request)
        uri = reachable_contact(message, host, port) if 0 < port <= _PORT_LIMIT else None
        header = self._find(parsed, ctypes.byref(self._name), None) if uri else None
        if uri is None or not header:
            return
        text = uri.encode("latin-1")
        memory = self._alloc(pool, len(text) + 1)  # the parser keeps pointers into the text
        ctypes.memmove(memory, text + b"\0", len(text) + 1)
        if found := self._parse(pool, memory, len(text), 0):
            _Contact.from_address(header).uri = found


def source_of(request: int) -> tuple[str, int]:
    """Host and port that a request came from."""
    source = _Source.from_address(request + _SOURCE_AT)
    return source.host.decode("latin-1"), int(source.port)
