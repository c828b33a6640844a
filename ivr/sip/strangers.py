"""A worker that several fronts lead calls to answers these and nobody else.

Without other nodes its socket is on loopback; with them it is on a network. What a stranger sends there never reaches
the library's transactions, and gets no answer.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import ClassVar, Final

import structlog

from ivr.sip.native import KNOWN_RELEASE, RequestModule, is_known_release

_BEFORE_TRANSACTIONS: Final = 12
"""Behind `PJSIP_MOD_PRIORITY_TRANSPORT_LAYER` (8), before `_TSX_LAYER` (16)."""
_NAME_AT: Final = 0x1110
"""Where `pjsip_rx_data` has `pkt_info.src_name`; `pkt_info.src_port` follows."""
_NAME_BYTES: Final = 48

log = structlog.get_logger(__name__)


class _Source(ctypes.Structure):
    """`pkt_info.src_name` (INET6_ADDRSTRLEN, filled up) and `pkt_info.src_port`."""

    _fields_: ClassVar = [("name", ctypes.c_char * _NAME_BYTES), ("port", ctypes.c_int)]


class Strangers:
    """Drops their requests. Keep it as long as the library lives; SIP thread only."""

    def __init__(self, fronts: Sequence[str]) -> None:
        """`fronts` as `address:port`."""
        self._fronts = frozenset(fronts)
        self._module = RequestModule("mod-ivr-strangers", _BEFORE_TRANSACTIONS, self._received)
        self.dropped = 0

    def register(self) -> str:
        """After the library was initialized, before it listens; the reason why that is not possible."""
        if not is_known_release():
            return f"sip: other_fronts: works with release {KNOWN_RELEASE} of the SIP library only; install that"
        return "" if self._module.register() else "sip: other_fronts: the SIP library refuses to keep strangers out"

    def _received(self, request: int) -> bool:
        source = _Source.from_address(request + _NAME_AT)
        if f"{source.name.decode('latin-1')}:{source.port}" in self._fronts:
            return False
        self.dropped += 1
        if self.dropped == 1:
            log.warning(
                "sip.stranger", source=source.name.decode("latin-1"), remedy="others are dropped without a word"
            )
        return True
