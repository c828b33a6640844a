"""What a page is told of STUN and TURN servers: credentials that end by themselves, never the secret. Pure."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from datetime import datetime

from ivr.config_ice import IceSettings

IceServer = dict[str, str | list[str]]
"""An `RTCIceServer` of the browsers: `urls`, and for TURN `username` and `credential`."""


def ice_servers(settings: IceSettings, name: str, now: datetime) -> list[IceServer]:
    """For one page. `name` stands readable on the way to the TURN server, and in its log."""
    stun: list[IceServer] = [{"urls": list(settings.stun)}] if settings.stun else []
    if settings.secret is None:
        return stun
    username, credential = turn_login(settings.secret.get_secret_value(), name, int(now.timestamp() + settings.valid))
    return [*stun, {"urls": list(settings.turn), "username": username, "credential": credential}]


def turn_login(secret: str, name: str, ends_at_s: int) -> tuple[str, str]:
    """User and password until an instant (Unix time), as TURN servers make them from the same secret.

    The REST API of draft-uberti-behave-turn-rest-00 §2.2, coturn's `use-auth-secret`.
    """
    username = f"{ends_at_s}:{name}"
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return username, b64encode(digest).decode()
