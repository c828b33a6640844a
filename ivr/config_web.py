"""Settings of the desk: the pages for people who work with the bot. Pure."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import StringConstraints, model_validator

from ivr.config_ice import IceSettings
from ivr.config_phone import PhoneSettings
from ivr.config_section import Section, all_defaults
from ivr.units import Duration

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class WebSettings(Section):
    """The desk. It is a process of its own, and no call waits for it."""

    listen: Annotated[str, StringConstraints(pattern=r"^$|^(\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):\d{1,5}$")] = (
        "127.0.0.1:8080"
    )
    """`address:port` of its pages; there is no desk when empty."""
    public_url: Annotated[str, StringConstraints(pattern=r"^$|^https?://[^\s/?#@]+$")] = ""
    """Address by which browsers reach it through a proxy, `https://desk.example.org`. Needed where `listen` is not an
    address of this machine only: passwords are not to go through a network in the open."""
    session: Duration = 43_200.0
    """Who has logged in has to do so again after this time."""
    phone: PhoneSettings | None = None
    """Telephoning in the agents' pages."""
    ice: IceSettings = all_defaults()
    """Servers for the way of audio and video, of all pages that telephone or show video."""

    @property
    def address(self) -> tuple[str, int] | None:
        """Where to listen; None for nowhere."""
        host, _, port = self.listen.rpartition(":")
        return (host.strip("[]"), int(port)) if self.listen else None

    @property
    def url(self) -> str:
        """What to open in a browser."""
        return self.public_url or f"http://{self.listen}"

    @property
    def is_secure(self) -> bool:
        """Whether browsers come by TLS."""
        return self.public_url.startswith("https:")

    @property
    def hosts(self) -> frozenset[str]:
        """Host names, with port, by which it may be asked: pages of other sites whose name is made to lead here are
        none of them.
        """
        host, port = self.address or ("", 0)
        names = {self.listen, *(f"{name}:{port}" for name in _LOOPBACK if _is_loopback(host))}
        names |= {name.removesuffix(":80") for name in names if port == 80}  # browsers leave it out
        return frozenset({*names, urlsplit(self.public_url).netloc.lower()} - {""})

    @model_validator(mode="after")
    def _passwords_stay_on_the_machine(self) -> Any:
        if self.address and not self.public_url and not _is_loopback(self.address[0]):
            raise ValueError(
                "listen: the desk would be open to a network without TLS; put a proxy with a certificate before it and "
                "write its address as public_url: https://…, or listen on 127.0.0.1"
            )
        return self


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
