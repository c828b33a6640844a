"""What systemd is told of a service: that it is ready, that it lives, that it stops (sd_notify(3)).

A datagram to the socket that `NOTIFY_SOCKET` names; without it nothing is told. Needs no library.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import MutableMapping


class ServiceManager:
    """Whoever started this process and waits for word of it."""

    def __init__(self, environ: MutableMapping[str, str] = os.environ) -> None:
        """Takes the variables away, so that no helper process speaks for this one."""
        address = environ.pop("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address  # unix(7): the abstract namespace
        meant_for = environ.pop("WATCHDOG_PID", str(os.getpid()))
        patience_us = environ.pop("WATCHDOG_USEC", "")
        self.watchdog_s = int(patience_us) / 1e6 if patience_us.isdigit() and meant_for == str(os.getpid()) else None
        """A service that is not heard of for so long is restarted; None where nobody watches."""

    def ready(self, status: str) -> None:
        """Calls are accepted. `status` is what `systemctl status` shows."""
        self._tell(f"READY=1\nSTATUS={status}")

    def stopping(self) -> None:
        """It is about to end, because it was told to."""
        self._tell("STOPPING=1")

    async def keep_alive(self) -> None:
        """Give signs of life, twice in the time that a watchdog waits; ends at once where there is none."""
        while self._address and self.watchdog_s is not None:
            self._tell("WATCHDOG=1")
            await asyncio.sleep(self.watchdog_s / 2)

    def _tell(self, what: str) -> None:
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.setblocking(False)
            line.sendto(what.encode(), self._address)
