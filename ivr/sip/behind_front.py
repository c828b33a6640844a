"""A user agent behind a front: it is dialled, dials and is known to the world through that. Pure."""

from __future__ import annotations

from typing import Final

from ivr.config import AccountSettings, SipSettings
from ivr.sip.translate import SipMessage

SOURCE_HEADER: Final = "X-Ivr-Source"
"""`address:port` that the front had the request from; it takes off what a caller writes under this name."""


def route_to_front(settings: SipSettings) -> tuple[str, ...]:
    """The first Route of what we send outside of calls; none without a front."""
    return (f"<sip:{settings.front};lr>",) if settings.front else ()


def registers(account: AccountSettings, settings: SipSettings) -> bool:
    """Whether the account registers here: behind a front that does it, once for all."""
    return bool(account.registrar) and not settings.front


def fronts(settings: SipSettings) -> tuple[str, ...]:
    """`address:port` of all that calls are led here by."""
    return (settings.front, *settings.other_fronts) if settings.front else ()


def source_of(received_from: str, message: SipMessage, settings: SipSettings) -> str:
    """`address:port` that a request came from. Only fronts are believed that it was somewhere else."""
    if received_from not in fronts(settings):
        return received_from
    return message.first(SOURCE_HEADER).strip() or received_from


def next_hop(settings: SipSettings, account: AccountSettings | None, uri: str) -> str:
    """The URI whose host must have an address before the library may send."""
    if settings.front:
        return f"sip:{settings.front}"
    return account.proxy if account and account.proxy else uri
