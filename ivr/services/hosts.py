"""What the settings say about each host that may be asked."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

from ivr.config_services import HostSettings, RequestsSettings, WebhookSettings

DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True)
class HostRules:
    """How one host is asked."""

    allow_private: bool = False
    allow_http: bool = False
    ca_file: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Credentials; never shown."""


@dataclass(frozen=True)
class Hosts:
    """Hosts by name (`crm.example.com`, meaning the usual ports) or name and port."""

    rules: Mapping[str, HostRules]

    def find(self, host: str, port: int) -> HostRules | None:
        """The rules of a host; None where it may not be asked."""
        name = f"[{host}]" if ":" in host else host.lower()
        exact = self.rules.get(f"{name}:{port}")
        return exact or (self.rules.get(name) if port in DEFAULT_PORTS.values() else None)


def hosts_of(settings: RequestsSettings) -> Hosts:
    """The hosts of `requests:`."""
    return Hosts({name.lower(): _rules(settings, host) for name, host in settings.hosts.items()})


def _rules(settings: RequestsSettings, host: HostSettings) -> HostRules:
    headers = {key: value.get_secret_value() for key, value in host.headers.items()}
    if host.username is not None:
        password = host.password.get_secret_value() if host.password else ""
        pair = base64.b64encode(f"{host.username}:{password}".encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    allow_private = settings.allow_private if host.allow_private is None else host.allow_private
    return HostRules(allow_private, host.allow_http, host.ca_file or settings.ca_file, headers)


def rules_of_webhook(webhook: WebhookSettings) -> HostRules:
    """A webhook's address is written in full by the operator, so http is allowed where it says so."""
    headers = {key: value.get_secret_value() for key, value in webhook.headers.items()}
    is_http = webhook.url.startswith("http:")
    return HostRules(webhook.allow_private, is_http, webhook.ca_file, headers)
