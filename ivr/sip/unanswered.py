"""How long the library waits for an ACK, and for the answer to a request. SIP thread only."""

from __future__ import annotations

import ctypes
from typing import ClassVar, Final

from ivr.sip import codes
from ivr.sip.native import POINTER, Text, function, is_known_release

_SERVER: Final = 1
"""`PJSIP_ROLE_UAS`."""
_GOODBYE_MS: Final = 2000
"""A BYE to a peer that did not acknowledge its answer is given up after this time: it is gone, or it is an attacker."""


class _Arrival(ctypes.Structure):
    """The beginning of `pjsip_rx_data`."""

    _fields_: ClassVar = [("pool", ctypes.c_void_p)]


class UnansweredLimit:
    """Timer B, F and H (RFC 3261 §17) of the whole process."""

    def __init__(self) -> None:
        self._limit_ms = 32_000

    def set(self, limit_s: float) -> None:
        """Give up what nobody has answered or acknowledged in any way for so long."""
        self._limit_ms = round(limit_s * 1000)
        _set_timers(self._limit_ms)

    def give_up(self, transaction: bytes) -> None:
        """Do not wait for an ACK any longer: the library ends the call, and waits for a moment only for its answer."""
        if not transaction:
            return
        _set_timers(_GOODBYE_MS)
        try:
            _terminate(transaction)
        finally:
            _set_timers(self._limit_ms)


def transaction_of(request: int) -> bytes:
    """Names the transaction of an INVITE that is being handled; empty with another release of the library."""
    if not (request and is_known_release()):
        return b""
    key = Text()
    make = function("pjsip_tsx_create_key", ctypes.c_int, POINTER, POINTER, ctypes.c_int, POINTER, POINTER)
    method = function("pjsip_get_invite_method", POINTER)()
    made = make(_Arrival.from_address(request).pool, ctypes.byref(key), _SERVER, method, request)
    return key.to_bytes() if made == 0 else b""


def _terminate(transaction: bytes) -> None:
    name = ctypes.create_string_buffer(transaction)
    key = Text(ctypes.addressof(name), len(transaction))
    found = function("pjsip_tsx_layer_find_tsx", POINTER, POINTER, ctypes.c_int)(ctypes.byref(key), 0)
    if found:
        function("pjsip_tsx_terminate", ctypes.c_int, POINTER, ctypes.c_int)(found, codes.REQUEST_TIMEOUT)


def _set_timers(limit_ms: int) -> None:
    function("pjsip_tsx_set_timers", None, *[ctypes.c_uint] * 4)(0, 0, 0, limit_ms)  # 0 leaves a timer as it is
