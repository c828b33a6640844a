"""Sees each request before the library's own user agent does: by which connection it came, what it offers, and
whether the library may have it. The Contact of a caller behind a NAT is corrected (`ivr.sip.nat`).

The library always answers with the first codec of the caller's order that it has. To hold the configured order, the
offer that it works with is replaced by one whose audio lines name our codecs first, in our order: an offer's order is
a preference, not a demand (RFC 3264 §6.1).

What the library must not see is answered here: see `screen`, and `UserAgent` for INFO.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final

import structlog

from ivr.sip import codes, offer, screen, translate
from ivr.sip.contacts import Contacts
from ivr.sip.native import KNOWN_RELEASE, POINTER, RequestModule, Text, function, is_known_release, release, respond
from ivr.sip.unwanted import method_of

_BEFORE_THE_USER_AGENT: Final = 20
"""Behind `PJSIP_MOD_PRIORITY_TSX_LAYER` (16), which drops repeated requests, before `_UA_PROXY_LAYER` (32)."""
_OFFERING: Final = frozenset({"INVITE", "UPDATE"})

Answer = Callable[[str, translate.SipMessage, str, bool], int | None]
"""Gets a method, the message, its body and whether its dialog exists; gives the status, or None to pass it on."""

log = structlog.get_logger(__name__)


class _Arrival(ctypes.Structure):
    """The start of `pjsip_rx_data`."""

    _fields_: ClassVar = [("pool", ctypes.c_void_p), ("transport", ctypes.c_void_p)]


_MESSAGE_AT: Final = 0x1148
"""Where `pjsip_rx_data` has the start of `msg_info`. The message lies within what is before."""


class _Message(ctypes.Structure):
    """`msg_info.msg_buf`, `msg_info.len` and `msg_info.msg`."""

    _fields_: ClassVar = [("start", ctypes.c_void_p), ("length", ctypes.c_int), ("parsed", ctypes.c_void_p)]


class _SdpInfo(ctypes.Structure):
    """`pjsip_rdata_sdp_info`: kept with the request, the same for everybody who asks for it."""

    _fields_: ClassVar = [("body", Text), ("status", ctypes.c_int), ("session", ctypes.c_void_p)]


def _text_of(request: int) -> str:
    """The message, one character per byte; empty where it is not found at its place."""
    message = _Message.from_address(request + _MESSAGE_AT)
    start, length = int(message.start or 0), int(message.length)
    is_within = request < start and 0 < length <= request + _MESSAGE_AT - start
    return ctypes.string_at(start, length).decode("latin-1") if is_within else ""


class Arrivals:
    """Notes connections, puts offers in order, answers what the library must not see.

    Keep it as long as the library lives; SIP thread only.
    """

    def __init__(self, wanted: Sequence[str], heard: Callable[[int], None], answer: Answer) -> None:
        self._wanted = wanted
        self._heard = heard
        self._answer = answer
        self.connection = 0
        """The library's number of the transport by which the request came that is being handled."""
        self.request = 0
        """That request itself, for as long as it is being handled."""
        self._module = RequestModule("mod-ivr-arrivals", _BEFORE_THE_USER_AGENT, self._received)

    def register(self) -> None:
        """After the library was initialized. Where the library is another one, all stays as it makes it."""
        try:
            found = release()
            self._info = function("pjsip_rx_data_get_info", ctypes.c_char_p, POINTER)
            self._sdp_info = function("pjsip_rdata_get_sdp_info", ctypes.POINTER(_SdpInfo), POINTER)
            self._parse = function("pjmedia_sdp_parse", ctypes.c_int, POINTER, POINTER, ctypes.c_size_t, POINTER)
            self._find_dialog = function("pjsip_ua_find_dialog", POINTER, POINTER, POINTER, POINTER, ctypes.c_int)
            self._alloc = function("pj_pool_alloc", POINTER, POINTER, ctypes.c_size_t)
            self._contacts = Contacts()
            is_known = is_known_release() and self._module.register()
        except AttributeError as error:
            found, is_known = str(error), False
        if not is_known:
            log.warning("sip.codec_order_not_held", library=found, known=KNOWN_RELEASE)

    def _received(self, request: int) -> bool:
        arrival = _Arrival.from_address(request)
        self.request, self.connection = request, int(arrival.transport or 0)
        self._heard(self.connection)
        method = method_of(self._info(request))
        if method in _OFFERING:
            self._put_in_order(arrival, self._sdp_info(request))
            self._correct_contact(arrival, request)
        return screen.needs_a_look(method) and self._screen(method, request)

    def _screen(self, method: str, request: int) -> bool:
        """Answer the request here, unless the library may have it."""
        text = _text_of(request)
        sip_status: int | None = codes.NOT_IMPLEMENTED
        if text.startswith(f"{method} "):
            message = translate.parse_message(text)
            sip_status = self._answer(method, message, translate.body_of(text), self._has_dialog(message))
        if sip_status is not None:
            respond(request, sip_status)
        return sip_status is not None

    def _has_dialog(self, message: translate.SipMessage) -> bool:
        """Whether the request belongs to a call: nobody else may press its keys (RFC 3261 §12.2.2)."""
        names = (
            message.first("Call-ID"),
            translate.tag_of(message.first("To")),
            translate.tag_of(message.first("From")),
        )
        kept = [name.encode("latin-1") for name in names]
        texts = [Text(ctypes.cast(ctypes.c_char_p(name), ctypes.c_void_p).value, len(name)) for name in kept]
        return all(kept) and bool(self._find_dialog(*(ctypes.byref(text) for text in texts), 0))

    def _correct_contact(self, arrival: _Arrival, request: int) -> None:
        parsed = int(_Message.from_address(request + _MESSAGE_AT).parsed or 0)
        if parsed and (text := _text_of(request)):
            self._contacts.correct(request, int(arrival.pool), parsed, translate.parse_message(text))

    def _put_in_order(self, arrival: _Arrival, found: Any) -> None:
        """Replace the parsed offer, when its order is not ours; its memory is the request's, and ends with it."""
        if not found or not found.contents.session:
            return
        given = found.contents.body.to_bytes()
        ordered = offer.in_order(given.decode("latin-1"), self._wanted).encode("latin-1")
        if ordered == given:
            return
        memory = self._alloc(arrival.pool, len(ordered) + 1)  # the parser keeps pointers into the text
        ctypes.memmove(memory, ordered + b"\0", len(ordered) + 1)
        session = ctypes.c_void_p()
        if self._parse(arrival.pool, memory, len(ordered), ctypes.byref(session)) == 0 and session.value:
            found.contents.session = session.value
