"""Answers requests that no part of the library handles: it would leave them unanswered, and the sender would repeat.

The library offers no way to do that from Python, so a module of its own kind is built here, field by field, and
registered behind all others.
"""

from __future__ import annotations

import ctypes
import importlib
from typing import Any, ClassVar, Final

import structlog

from ivr.sip import codes

_LAST: Final = 163
"""`PJSIP_MOD_PRIORITY_APPLICATION` + 99: after every other module."""
_INSIDE_A_CALL: Final = frozenset({"BYE", "INFO", "PRACK", "UPDATE"})

log = structlog.get_logger(__name__)

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)


class _Text(ctypes.Structure):
    """`pj_str_t`."""

    _fields_: ClassVar = [("text", ctypes.c_char_p), ("length", ctypes.c_ssize_t)]


class _Module(ctypes.Structure):
    """`pjsip_module`."""

    _fields_: ClassVar = [
        ("previous", ctypes.c_void_p),
        ("next", ctypes.c_void_p),
        ("name", _Text),
        ("id", ctypes.c_int),
        ("priority", ctypes.c_int),
        ("load", ctypes.c_void_p),
        ("start", ctypes.c_void_p),
        ("stop", ctypes.c_void_p),
        ("unload", ctypes.c_void_p),
        ("on_rx_request", _Callback),
        ("on_rx_response", ctypes.c_void_p),
        ("on_tx_request", ctypes.c_void_p),
        ("on_tx_response", ctypes.c_void_p),
        ("on_tsx_state", ctypes.c_void_p),
    ]


def refusal_for(method: str) -> int | None:
    """The status for a request outside of every call; None for an ACK, which is never answered (RFC 3261 §17)."""
    if method == "ACK":
        return None
    return codes.NO_SUCH_CALL if method in _INSIDE_A_CALL else codes.NOT_IMPLEMENTED


class UnwantedRequests:
    """Refuses what nobody handled. Keep it as long as the library lives; SIP thread only."""

    def __init__(self) -> None:
        library = ctypes.CDLL(str(importlib.import_module("pjsua2._pjsua2").__file__))
        library.pjsua_get_pjsip_endpt.restype = ctypes.c_void_p
        library.pjsip_rx_data_get_info.restype = ctypes.c_char_p
        library.pjsip_rx_data_get_info.argtypes = [ctypes.c_void_p]
        library.pjsip_endpt_respond_stateless.argtypes = [
            ctypes.c_void_p,
            ctypes.c_void_p,
            ctypes.c_int,
            ctypes.c_void_p,
            ctypes.c_void_p,
            ctypes.c_void_p,
        ]
        self._library = library
        self._module = _Module(
            name=_Text(b"mod-ivr-unwanted", 16), id=-1, priority=_LAST, on_rx_request=_Callback(self._received)
        )

    def register(self) -> None:
        """After the library was initialized."""
        endpoint = ctypes.c_void_p(self._library.pjsua_get_pjsip_endpt())
        status = self._library.pjsip_endpt_register_module(endpoint, ctypes.byref(self._module))
        if status != 0:
            log.warning("sip.unwanted_not_refused", status=status)

    def _received(self, request: Any) -> int:
        """Whether the request was handled."""
        try:
            sip_status = refusal_for(_method(self._library.pjsip_rx_data_get_info(request)))
            if sip_status is None:
                return 0
            endpoint = self._library.pjsua_get_pjsip_endpt()
            self._library.pjsip_endpt_respond_stateless(endpoint, request, sip_status, None, None, None)
        except Exception:
            log.exception("sip.callback_failed", callback="on_rx_request")
        return 1


def _method(info: bytes) -> str:
    """The method in `Request msg BYE/cseq=1 (rdata0x…)`; without one, that of a request that is never answered."""
    start, _, _ = info.decode("latin-1").partition("/cseq=")
    return start.removeprefix("Request msg ") if start.startswith("Request msg ") else "ACK"
