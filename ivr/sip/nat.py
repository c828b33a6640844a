"""Where a telephone behind a NAT can be reached, when its Contact says where only its own network finds it. Pure."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from ivr.sip import translate

_OF_ONE_NETWORK: Final = tuple(
    IPv4Network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16")
)
"""RFC 1918 §3, RFC 6598 §7, RFC 3927 §2.1."""
_SIP_URI = re.compile(
    r"(?P<before>sips?:(?:[^@<>\s]*@)?)(?P<place>[^;?@<>\s]+)(?P<parameters>[^?<>\s]*)", re.IGNORECASE
)
_MADDR = re.compile(r";maddr=[^;]*", re.IGNORECASE)


def reachable_contact(message: translate.SipMessage, host: str, port: int) -> str | None:
    """The URI by which the sender of a message is reached: its Contact with the place that the message came from.

    None where its Contact may stand: it is no private address, or the message came by a proxy (several Via, or
    Record-Route), which knows more of that network than we do.
    """
    vias = [via for value in message.all("Via") for via in value.split(",")]
    contacts = message.all("Contact")
    if len(vias) > 1 or len(contacts) != 1 or message.all("Record-Route"):
        return None
    found = _SIP_URI.fullmatch(translate.uri_of(contacts[0]).strip())
    if found is None or not _is_elsewhere(translate.uri_host(found[0]), host):
        return None
    return f"{found['before']}{host}:{port}{_MADDR.sub('', found['parameters'])}"


def _is_elsewhere(contact: str, host: str) -> bool:
    try:
        told, _ = IPv4Address(contact), IPv4Address(host)
    except ValueError:
        return False  # a name, or IPv6, which needs no NAT
    return contact != host and any(told in network for network in _OF_ONE_NETWORK)
