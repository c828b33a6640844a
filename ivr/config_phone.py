"""Settings of the telephone in an agent's page. Pure."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, StringConstraints, model_validator

from ivr.config_section import Section
from ivr.config_websocket import DOMAIN_PATTERN, goes_in_the_open


class PhoneLogin(Section):
    """The SIP account of one agent's telephone."""

    password: SecretStr
    """Only ever `${NAME}`: the name of an environment variable."""
    username: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._+-]{0,64}$")] = ""
    """The user part of the address in `ivr agents add --sip` when empty."""


class PhoneSettings(Section):
    """Telephoning in the browser, by the telephone system's WebSocket (RFC 7118) and WebRTC."""

    websocket: Annotated[str, StringConstraints(pattern=r"^wss?://[^\s/?#@;,'\"]+(/[^\s?#@;,'\"]*)?$")]
    """Where browsers reach the telephone system: `wss://pbx.example.org:8089/ws`."""
    domain: Annotated[str, StringConstraints(pattern=DOMAIN_PATTERN)]
    """What stands behind the @ of the agents' addresses there."""
    agents: dict[str, PhoneLogin] = Field(default_factory=dict)
    """Name of an agent: his account. Nobody else gets a telephone in his page."""

    @property
    def origin(self) -> str:
        """Scheme, host and port of the WebSocket: the one place beside the desk that the page may connect to."""
        return "{0.scheme}://{0.netloc}".format(urlsplit(self.websocket))

    @model_validator(mode="after")
    def _passwords_are_not_readable(self) -> Any:
        if goes_in_the_open(self.websocket):
            raise ValueError("websocket: calls would be announced through a network in the open; write wss://…")
        return self
