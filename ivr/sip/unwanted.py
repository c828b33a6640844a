"""Answers requests that no part of the library handles: it would leave them unanswered, and the sender would repeat."""

from __future__ import annotations

import ctypes
from typing import Final

import structlog

from ivr.sip import codes
from ivr.sip.native import POINTER, RequestModule, function, respond

_LAST: Final = 163
"""`PJSIP_MOD_PRIORITY_APPLICATION` + 99: after every other module."""
_INSIDE_A_CALL: Final = frozenset({"BYE", "INFO", "PRACK", "UPDATE"})

log = structlog.get_logger(__name__)


def refusal_for(method: str) -> int | None:
    """The status for a request outside of every call; None for an ACK, which is never answered (RFC 3261 §17)."""
    if method == "ACK":
        return None
    return codes.NO_SUCH_CALL if method in _INSIDE_A_CALL else codes.NOT_IMPLEMENTED


class UnwantedRequests:
    """Refuses what nobody handled. Keep it as long as the library lives; SIP thread only."""

    def __init__(self) -> None:
        self._info = function("pjsip_rx_data_get_info", ctypes.c_char_p, POINTER)
        self._module = RequestModule("mod-ivr-unwanted", _LAST, self._received)

    def register(self) -> None:
        """After the library was initialized."""
        if not self._module.register():
            log.warning("sip.unwanted_not_refused")

    def _received(self, request: int) -> bool:
        sip_status = refusal_for(method_of(self._info(request)))
        if sip_status is None:
            return False
        respond(request, sip_status)
        return True


def method_of(info: bytes) -> str:
    """The method in `Request msg BYE/cseq=1 (rdata0x…)`; without one, that of a request that is never answered."""
    start, _, _ = info.decode("latin-1").partition("/cseq=")
    return start.removeprefix("Request msg ") if start.startswith("Request msg ") else "ACK"
