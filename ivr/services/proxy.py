"""The HTTP proxy of the settings: whom it is for, and a tunnel through it (CONNECT, RFC 9110 §9.3.6).

What is asked goes through a tunnel, http too: the proxy sees an address and a port, and connects to the address that
was checked here. Imported with what asks by HTTP only.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import httpcore

from ivr.config_services import ProxySettings
from ivr.services.hosts import HostRules, Hosts

_ANSWER_LIMIT_BYTES: Final = 16_384


class Forbidden(httpcore.ConnectError):
    """Asking again changes nothing. The text is for the operator."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where it is, and how it is asked."""

    host: str
    port: int
    authorization: str = field(default="", repr=False)
    direct: Hosts = field(default_factory=lambda: Hosts({}))
    """Hosts that are asked without it."""
    resolves_names: bool = False
    """Whether it is given names, and not the addresses that they have here."""

    def is_for(self, host: str, port: int) -> bool:
        """Whether a host is asked through it."""
        return self.direct.find(host, port) is None

    async def connect(self, stream: httpcore.AsyncNetworkStream, target: str, port: int) -> None:
        """Make a connection to the proxy one to the target. Raises httpcore.ConnectError."""
        place = f"[{target}]:{port}" if ":" in target else f"{target}:{port}"
        lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}"]
        lines += [f"Proxy-Authorization: {self.authorization}"] if self.authorization else []
        await stream.write("\r\n".join([*lines, "", ""]).encode("ascii"))
        status = _status_of(await self._answer(stream))
        if 400 <= status <= 499:
            raise Forbidden(f"the proxy {self.shown} answered {status} to CONNECT {place}; {_remedy(status)}")
        if not 200 <= status <= 299:
            raise httpcore.ConnectError(f"the proxy {self.shown} answered {status or 'nonsense'} to CONNECT {place}")

    async def _answer(self, stream: httpcore.AsyncNetworkStream) -> bytes:
        """Status and headers: behind them, the target speaks only when it is spoken to."""
        received = b""
        while not received.endswith(b"\r\n\r\n"):
            part = await stream.read(4096)
            received += part
            if not part or len(received) > _ANSWER_LIMIT_BYTES:
                raise httpcore.ConnectError(f"the proxy {self.shown} did not answer CONNECT properly")
        return received

    @property
    def shown(self) -> str:
        """For messages."""
        return f"{self.host}:{self.port}"


def _status_of(answer: bytes) -> int:
    protocol, _, rest = answer.partition(b" ")
    digits = rest[:3]
    return int(digits) if protocol.startswith(b"HTTP/1.") and digits.isdigit() else 0


def _remedy(status: int) -> str:
    if status == 407:
        return "correct `proxy:` username and password"
    return "have it allowed there, or name the host in `proxy: direct:`"


def proxy_of(settings: ProxySettings) -> Proxy | None:
    """The proxy of the settings, if there is one."""
    if not settings.url:
        return None
    parts = urlsplit(settings.url)
    authorization = ""
    if settings.username is not None:
        password = settings.password.get_secret_value() if settings.password else ""
        authorization = "Basic " + base64.b64encode(f"{settings.username}:{password}".encode()).decode()
    direct = Hosts({name: HostRules() for name in settings.direct})
    return Proxy(str(parts.hostname), parts.port or 80, authorization, direct, settings.resolves_names)
