"""Closes TCP connections in time, so that the library's `select()` always has room. SIP thread only.

    64 places = 2 listening + 16 connections and a new one + 32 opened within 0.6 s (as many can be closing) + our own

One poll of the library accepts up to 50 connections in a row, and it aborts the process when it has no place left:
what is too much is destroyed at once, within that row, and the row waits while too many places rest.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Set
from typing import Any, Final

import pjsua2 as pj
import structlog

from ivr.sip.connections import Connections, Places
from ivr.sip.native import POINTER, function, is_known_release

_PLACES_LIMIT: Final = 32
_PAUSE_S: Final = 0.01
_USERS_AT: Final = 0x28
"""Where `pjsip_transport` has `ref_cnt`, a pointer to an atomic number."""

log = structlog.get_logger(__name__)


class TcpConnections:
    """The connections, by the addresses of the library's transports."""

    def __init__(self) -> None:
        self._doomed: list[int] = []
        self._connections = Connections()
        self._places = Places(_PLACES_LIMIT)
        self._closed = 0
        self.in_use: Callable[[], Set[int]] = frozenset
        """Tells which connections carry calls."""

    def state_changed(self, state: int, handle: Any) -> None:
        """The library opened or destroyed one."""
        number = int(handle)
        if state == pj.PJSIP_TP_STATE_CONNECTED:
            self._places.take(1, time.monotonic())
            if _is_from_others(number):
                self._make_room(number)
                self._wait_for_places()
        elif state == pj.PJSIP_TP_STATE_DESTROY:
            self._connections.closed(number)

    def _make_room(self, newest: int) -> None:
        self.finish()
        surplus = self._connections.opened(newest, time.monotonic(), in_use=self.in_use(), is_busy=_is_busy)
        if surplus is None:
            return
        self._note_closing()
        if surplus.told_to_go is not None:
            _tell_to_go(surplus.told_to_go)
        if surplus.closed != newest:
            _destroy(surplus.closed)
        else:
            self._doomed.append(newest)  # the library is not done with it before this callback ends

    def finish(self) -> None:
        """Destroy what could not be destroyed while it was being opened."""
        doomed, self._doomed = self._doomed, []
        for number in doomed:
            if number in self._connections:
                _destroy(number)

    def _wait_for_places(self) -> None:
        while self._places.are_full(time.monotonic()):
            time.sleep(_PAUSE_S)

    def heard(self, number: int) -> None:
        """A request came by it."""
        self._connections.heard(number, time.monotonic())

    def close_overdue(self) -> None:
        """Close those that have been quiet for too long."""
        for number in self._connections.overdue(time.monotonic(), self.in_use()):
            self._note_closing()
            _shut_down(number)

    def _note_closing(self) -> None:
        self._closed += 1
        if self._closed == 1 or self._closed % 1000 == 0:
            log.warning("sip.quiet_connection_closed", limit=self._connections.limit, closed=self._closed)


def _is_from_others(number: int) -> bool:
    """Whether another opened the connection: the library calls those `tcps…` and its own ones `tcpc…`."""
    return ctypes.string_at(number, 4) == b"tcps"


def _is_busy(number: int) -> bool:
    """Whether a request is under way there; yes, when this release of the library keeps that elsewhere."""
    if not is_known_release():
        return True
    users = ctypes.c_void_p.from_address(number + _USERS_AT).value
    return bool(function("pj_atomic_get", ctypes.c_long, POINTER)(users))


def _destroy(number: int) -> None:
    if _is_busy(number):
        _shut_down(number)
    else:
        function("pjsip_transport_destroy", ctypes.c_int, POINTER)(number)


def _shut_down(number: int) -> None:
    """Close it as soon as nothing is under way there."""
    function("pjsip_transport_shutdown", ctypes.c_int, POINTER)(number)


def _tell_to_go(number: int) -> None:
    """Fail what is under way there; the library then destroys it by itself."""
    function("pjsip_transport_shutdown2", ctypes.c_int, POINTER, ctypes.c_int)(number, 1)
