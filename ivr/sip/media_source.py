"""From which hosts a call's audio may come. Pure: what was seen comes in as arguments.

At first these are the host in the peer's session description and the one that its SIP messages come from: a caller
behind a NAT is there, whatever the port. While nothing is heard from them everybody may send, and who is heard then is
added: some gateways send from where they told nobody, and a telephone may move to another network.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

UNHEARD_LIMIT_S: Final = 1.0
"""Everybody may send when nothing has been heard for so long; packets come every 20 ms."""


class MediaSource:
    """Watches one stream from its beginning to its end or its next negotiation."""

    def __init__(self, hosts: Iterable[str], now_s: float) -> None:
        """`hosts`: those that are known; empty names are left out."""
        self._hosts = frozenset(hosts) - {""}
        self._is_open = not self._hosts
        self._newest = ""
        self._packets = 0
        self._heard_at_s = now_s

    @property
    def allowed(self) -> frozenset[str] | None:
        """Who may send; None for everybody."""
        return None if self._is_open else self._hosts

    def looked(self, host: str, packets: int, now_s: float) -> frozenset[str] | None:
        """The host of the newest packet, and how many have come in all; who may send from now on."""
        if packets > self._packets and host:
            self._heard(host)
            self._heard_at_s = now_s
        elif now_s - self._heard_at_s >= UNHEARD_LIMIT_S:
            self._is_open = True
        self._packets = packets
        return self.allowed

    def _heard(self, host: str) -> None:
        """A host that nobody told of must be the newest twice: a stranger may be between two packets of the caller."""
        if host in self._hosts or host == self._newest:
            self._hosts, self._is_open = self._hosts | {host}, False
        self._newest = host
