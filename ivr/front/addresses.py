"""Addresses that the settings do not say: this machine's, and those of registrars."""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
from typing import Final

from ivr.config import AccountSettings, Settings

_SOMEWHERE: Final = ("192.0.2.1", 5060)
"""Of RFC 5737. Nothing is sent; the system only chooses the address that it would send from."""
_HOST: Final = re.compile(r"^<?sips?:(?:[^@]*@)?(\[[^\]]+\]|[^:;>?\s]+)")


def host_that_leads_out() -> str:
    """The address by which this machine reaches others; loopback where it reaches nobody."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_SOMEWHERE)
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def registrar_addresses(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Account to the networks that its calls come from. Blocks while names are looked up."""
    return {name: _addresses(account) for name, account in settings.sip.accounts.items()}


def _addresses(account: AccountSettings) -> tuple[str, ...]:
    uris = [uri for uri in (account.registrar, account.proxy) if uri] or [account.uri]
    found = {address for uri in uris for address in _resolved(uri)}
    return tuple(sorted(found))


def _resolved(uri: str) -> set[str]:
    match = _HOST.match(uri)
    if match is None:
        return set()
    with contextlib.suppress(ValueError):
        return {str(ipaddress.ip_network(match[1].strip("[]")))}
    with contextlib.suppress(OSError):
        found = socket.getaddrinfo(match[1], None, socket.AF_INET, socket.SOCK_DGRAM)
        return {str(ipaddress.ip_network(str(entry[4][0]))) for entry in found}
    return set()
