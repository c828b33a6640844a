"""Accounts as Kamailio's module uac registers them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from ivr.config import AccountSettings, Settings
from ivr.errors import ConfigError

_URI: Final = re.compile(r"^<?sips?:(?:(?P<user>[^@:;>]+)[^@]*@)?(?P<host>[^;>?\s]+)")
_ONLINE: Final = 4
"""Bit of `flags` in `uac.reg_dump`: the registrar's 200 holds."""


@dataclass(frozen=True, slots=True)
class Registration:
    """One account that the front registers."""

    account: str
    user: str
    """Also the user part of the Contact, thus what the registrar's calls are addressed to."""
    domain: str
    registrar: str
    """`host:port`."""
    realm: str
    """Empty: whatever the registrar says."""
    auth_user: str
    password: str = field(repr=False)
    proxy: str
    """Where the request goes, as a SIP URI."""
    expires_s: int
    socket: str
    contact: str

    def parameters(self) -> tuple[str | int, ...]:
        """Of `uac.reg_add`, in its order."""
        return (
            self.user,
            self.user,
            self.domain,
            self.user,
            self.registrar,
            self.realm,
            self.auth_user,
            self.password or ".",
            ".",
            self.proxy,
            self.expires_s,
            0,
            0,
            self.socket,
            self.contact,
        )

    @staticmethod
    def is_online(flags: int) -> bool:
        """Whether the flags say that the registration holds."""
        return bool(flags & _ONLINE)


def registrations(settings: Settings, host: str) -> tuple[Registration, ...]:
    """Those accounts that have a registrar. Raises ConfigError."""
    found = [
        _registration(name, account, settings, host)
        for name, account in settings.sip.accounts.items()
        if account.registrar
    ]
    users = [entry.user for entry in found]
    if len(set(users)) < len(users):
        raise ConfigError("sip: accounts: with several workers each registered account needs another user part")
    return tuple(found)


def _registration(name: str, account: AccountSettings, settings: Settings, host: str) -> Registration:
    own, registrar = _URI.match(account.uri), _URI.match(account.registrar or "")
    if own is None or not own["user"] or registrar is None:
        raise ConfigError(f"sip: accounts: {name}: uri and registrar must be SIP addresses, sip:user@host and sip:host")
    is_tcp = account.transport == "tcp"
    suffix = ";transport=tcp" if is_tcp else ""
    return Registration(
        account=name,
        user=own["user"],
        domain=own["host"],
        registrar=registrar["host"],
        realm="" if account.realm == "*" else account.realm,
        auth_user=account.username or own["user"],
        password=account.password.get_secret_value() if account.password else "",
        proxy=(account.proxy or f"sip:{registrar['host']}{suffix}").strip("<>"),
        expires_s=max(1, round(account.register_every)),
        socket=f"{'tcp' if is_tcp else 'udp'}:{settings.sip.address}:{settings.sip.port}",
        contact=f"{host}:{settings.sip.port}{suffix}",
    )
