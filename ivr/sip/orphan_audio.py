"""Audio that callers still send to a process that died, at ports which this one is to use.

The library sends a call's audio to where packets for its port come from, so the next call at such a port would be heard
by the caller of a dead one, and not by its own. These ports are held, so that the library takes others, until nothing
comes any more.
"""

from __future__ import annotations

import contextlib
import socket
import time
from typing import Final

import structlog

_WATCHED_PORTS: Final = 128
"""The library begins at the first one."""
_WATCH_S: Final = 0.045
"""Packets come every 20 ms."""
_PACKET_BYTES: Final = 2048

log = structlog.get_logger(__name__)


class OrphanAudio:
    """Holds at most half of the ports, whatever comes. SIP thread only."""

    def __init__(self, address: str, first_port: int, port_count: int) -> None:
        """Opens nothing."""
        self._address = address
        self._ports = range(first_port, first_port + min(port_count, _WATCHED_PORTS), 2)
        self._held: dict[int, socket.socket] = {}
        self._looked_s = 0.0

    @property
    def held_ports(self) -> list[int]:
        """Those that the library is not to use."""
        return sorted(self._held)

    def open(self) -> None:
        """Begin to listen at all ports; one that somebody has is no orphan's."""
        self._looked_s = time.monotonic()
        for port in self._ports:
            listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            listener.setblocking(False)
            try:
                listener.bind((self._address, port))
            except OSError:
                listener.close()
            else:
                self._held[port] = listener

    def keep_heard(self) -> None:
        """Give back the ports at which nothing came; waits until there was time for that."""
        time.sleep(max(0.0, self._looked_s + _WATCH_S - time.monotonic()))
        self.give_back_quiet()
        for port in self.held_ports[len(self._ports) // 2 :]:
            self._held.pop(port).close()
        if self._held:
            log.warning("sip.orphan_audio", ports=self.held_ports, remedy="callers of a process that died; left alone")

    def give_back_quiet(self) -> None:
        """Give back the ports at which nothing came since the last time, unless that was just now."""
        if time.monotonic() < self._looked_s + _WATCH_S:
            return
        self._looked_s = time.monotonic()
        for port, listener in list(self._held.items()):
            if not _has_heard(listener):
                self._held.pop(port).close()

    def close(self) -> None:
        """Give all back. Idempotent."""
        while self._held:
            self._held.popitem()[1].close()


def _has_heard(listener: socket.socket) -> bool:
    """Whether anything has come; it is thrown away."""
    has_heard = False
    with contextlib.suppress(OSError):
        while listener.recv(_PACKET_BYTES):
            has_heard = True
    return has_heard
