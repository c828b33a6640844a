"""Accounts: identities at registrars, and the local one that takes calls from anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

import pjsua2 as pj
import structlog

from ivr.config import AccountSettings, SipSettings
from ivr.sip import codes
from ivr.sip.behind_front import registers, route_to_front
from ivr.sip.translate import clean, uri_user

LOCAL: Final = ""
"""Name of the account that needs no registrar."""
_REASON_LIMIT: Final = 128
_SRTP: Final = {
    "off": pj.PJMEDIA_SRTP_DISABLED,
    "optional": pj.PJMEDIA_SRTP_OPTIONAL,
    "mandatory": pj.PJMEDIA_SRTP_MANDATORY,
}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RegistrationReport:
    """What a registrar answered, or that it did not."""

    account: str
    is_registered: bool
    sip_status: int
    reason: str
    source: str
    """`address:port` that answered; empty when nobody did."""


class AccountOwner(Protocol):
    """Who takes an account's events, on the SIP thread, inside the library's callback."""

    def registration_changed(self, report: RegistrationReport) -> None:
        """The registrar answered, or the registration was lost."""

    def message_answered(self, uri: str, text: str, sip_status: int, reason: str) -> None:
        """A MESSAGE that we sent has its final answer."""

    def invite_received(self, account: SipAccount, call_id: int, message: str, source: str) -> None:
        """An INVITE came in; the call object must be made before this returns."""


class SipAccount(pj.Account):  # type: ignore[misc]  # the library's bindings are untyped
    """Copies callback values and hands them on."""

    def __init__(self, name: str, uri: str, owner: AccountOwner) -> None:
        pj.Account.__init__(self)
        self.name = name
        self.uri = uri
        self._owner: AccountOwner | None = owner

    def onRegState(self, prm: Any) -> None:
        try:
            code, source = int(prm.code), str(prm.rdata.srcAddress)
            is_registered = 200 <= code < 300 and int(prm.expiration) > 0
            report = RegistrationReport(self.name, is_registered, code, clean(prm.reason, _REASON_LIMIT), source)
            if self._owner is not None:
                self._owner.registration_changed(report)
        except Exception:
            log.exception("sip.callback_failed", callback="onRegState")

    def onIncomingCall(self, prm: Any) -> None:
        try:
            if self._owner is not None:
                self._owner.invite_received(self, int(prm.callId), str(prm.rdata.wholeMsg), str(prm.rdata.srcAddress))
        except Exception:
            log.exception("sip.callback_failed", callback="onIncomingCall")

    def onInstantMessageStatus(self, prm: Any) -> None:
        try:
            if self._owner is not None and int(prm.code) >= 200:
                reason = clean(prm.reason, _REASON_LIMIT)
                self._owner.message_answered(str(prm.toUri), str(prm.msgBody), int(prm.code), reason)
        except Exception:
            log.exception("sip.callback_failed", callback="onInstantMessageStatus")

    def onIncomingSubscribe(self, prm: Any) -> None:
        prm.code = codes.NOT_IMPLEMENTED  # a bot tells nobody whether it is present

    def register(self, *, is_on: bool) -> None:
        """Register or unregister now; a request that is already on its way is left alone."""
        try:
            self.setRegistration(is_on)
        except pj.Error as error:
            log.debug("sip.registration_busy", account=self.name, reason=error.reason)

    def release(self) -> None:
        """Delete it from the library."""
        self._owner = None
        self.shutdown()


def local_config(settings: SipSettings, port: int) -> Any:
    """The account for calls that belong to no other."""
    host = settings.public_address or settings.address
    host = "127.0.0.1" if host == "0.0.0.0" else host
    config = _base_config(settings)
    config.idUri = f"sip:{settings.user_agent}@{host}:{port}"
    config.regConfig.registerOnAdd = False
    return config


def account_config(account: AccountSettings, settings: SipSettings) -> Any:
    """An account of the configuration; registering again is decided by us, not by the library."""
    config = _base_config(settings)
    config.idUri = account.uri
    if registers(account, settings):
        config.regConfig.registrarUri = with_transport(account.registrar or "", account.transport)
        config.regConfig.timeoutSec = max(1, round(account.register_every))
        config.regConfig.delayBeforeRefreshSec = max(1, min(30, round(account.register_every / 10)))
        config.regConfig.registerOnAdd = False
        config.regConfig.retryIntervalSec = 0
        config.regConfig.dropCallsOnFail = False
    if account.password is not None:
        username = account.username or uri_user(account.uri)
        secret = account.password.get_secret_value()
        config.sipConfig.authCreds.append(pj.AuthCredInfo("digest", account.realm, username, 0, secret))
    if account.proxy:
        config.sipConfig.proxies.append(with_transport(account.proxy, account.transport))
    return config


def _base_config(settings: SipSettings) -> Any:
    config = pj.AccountConfig()
    for route in route_to_front(settings):
        config.sipConfig.proxies.append(route)
    transport = config.mediaConfig.transportConfig
    transport.port, transport.portRange = settings.rtp_port, settings.rtp_port_count
    local, seen = settings.media_address or settings.address, settings.media_public_address or settings.public_address
    if local != "0.0.0.0":
        transport.boundAddress = local
    if seen:
        transport.publicAddress = seen
    if settings.public_address:
        config.natConfig.contactRewriteUse = 0
    config.mediaConfig.srtpUse = _SRTP[settings.srtp]
    config.mediaConfig.srtpSecureSignaling = 0
    return config


def with_transport(uri: str, transport: str) -> str:
    """The URI with `;transport=tcp` where the account uses TCP and the URI does not say otherwise."""
    if transport != "tcp" or "transport=" in uri.lower():
        return uri
    return f"{uri[:-1]};transport=tcp>" if uri.endswith(">") else f"{uri};transport=tcp"
