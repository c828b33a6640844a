"""The library's C functions, for the few things that its Python bindings leave out.

A module of the library's own kind (`pjsip_module`) is built here, field by field, so that requests can be seen before
or behind the library's own modules.
"""

from __future__ import annotations

import ctypes
import importlib
from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar, Final

import structlog

log = structlog.get_logger(__name__)

KNOWN_RELEASE: Final = "2.15.1"
"""The release whose structures are described here and where this is used."""

Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
POINTER: Final = ctypes.c_void_p
_DISABLE_TCP_SWITCH: Final = 4
"""Place of `disable_tcp_switch` in `pjsip_cfg_t`, all whose fields are as wide as an int."""


class Text(ctypes.Structure):
    """`pj_str_t`: not ended by a zero."""

    _fields_: ClassVar = [("start", ctypes.c_void_p), ("length", ctypes.c_ssize_t)]

    def to_bytes(self) -> bytes:
        """A copy."""
        return ctypes.string_at(self.start, self.length) if self.start and self.length > 0 else b""


class _Module(ctypes.Structure):
    """`pjsip_module`."""

    _fields_: ClassVar = [
        ("previous", ctypes.c_void_p),
        ("next", ctypes.c_void_p),
        ("name", Text),
        ("id", ctypes.c_int),
        ("priority", ctypes.c_int),
        ("load", ctypes.c_void_p),
        ("start", ctypes.c_void_p),
        ("stop", ctypes.c_void_p),
        ("unload", ctypes.c_void_p),
        ("on_rx_request", Callback),
        ("on_rx_response", ctypes.c_void_p),
        ("on_tx_request", ctypes.c_void_p),
        ("on_tx_response", ctypes.c_void_p),
        ("on_tsx_state", ctypes.c_void_p),
    ]


@cache
def library() -> ctypes.CDLL:
    """The library itself: what the bindings have loaded."""
    return ctypes.CDLL(str(importlib.import_module("pjsua2._pjsua2").__file__))


def function(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    """A C function of the library with its types. Raises AttributeError where this build does not have it."""
    found = library()[name]
    found.restype, found.argtypes = result, list(arguments)
    return found


def respond(request: int, sip_status: int) -> None:
    """Answer a request without keeping anything of it (RFC 3261 §8.2.7)."""
    endpoint = function("pjsua_get_pjsip_endpt", POINTER)()
    rest = (POINTER, POINTER, POINTER)
    send = function("pjsip_endpt_respond_stateless", ctypes.c_int, POINTER, POINTER, ctypes.c_int, *rest)
    send(endpoint, request, sip_status, None, None, None)


@cache
def is_known_release() -> bool:
    """Whether structures may be read."""
    return release() == KNOWN_RELEASE


def release() -> str:
    """Of the library."""
    return str(function("pj_get_version", ctypes.c_char_p)().decode("latin-1"))


def keep_to_udp() -> None:
    """Let requests of more than 1300 bytes go by UDP where their address says so.

    RFC 3261 §18.1.1 wants TCP for them, which telephones do not listen on, and by which a PBX does not know the trunk:
    no other PBX does it, and such calls would fail. Datagrams of more than 1472 bytes come in pieces.
    """
    if is_known_release():
        settings = (ctypes.c_int * (_DISABLE_TCP_SWITCH + 1)).in_dll(library(), "pjsip_sip_cfg_var")
        settings[_DISABLE_TCP_SWITCH] = 1


class RequestModule:
    """Gives every request to `received`, which says whether it has dealt with it.

    `priority` places it among the library's own modules: lower ones are asked first. Keep it as long as the library
    lives; SIP thread only.
    """

    def __init__(self, name: str, priority: int, received: Callable[[int], bool]) -> None:
        self._received = received
        self._name = ctypes.create_string_buffer(name.encode())
        text = Text(ctypes.addressof(self._name), len(name))
        self._module = _Module(name=text, id=-1, priority=priority, on_rx_request=Callback(self._guarded))

    def register(self) -> bool:
        """After the library was initialized."""
        endpoint = function("pjsua_get_pjsip_endpt", POINTER)()
        register = function("pjsip_endpt_register_module", ctypes.c_int, POINTER, POINTER)
        return bool(register(endpoint, ctypes.byref(self._module)) == 0)

    def _guarded(self, request: Any) -> int:
        try:
            return int(self._received(request))
        except Exception:
            log.exception("sip.callback_failed", callback="on_rx_request")
        return 0
