"""Where browsers reach a telephone system: what its WebSocket's address has to be. Pure."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

DOMAIN_PATTERN: Final = r"^[A-Za-z0-9.:\[\]-]{1,253}$"
"""What stands behind the @ of addresses there."""
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


def goes_in_the_open(address: str) -> bool:
    """Whether what is said by it can be read on its way: without TLS, and to another machine."""
    parts = urlsplit(address)
    return parts.scheme == "ws" and parts.hostname not in _LOOPBACK
