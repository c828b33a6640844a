"""Settings of the SIP front, which stands before several workers. Pure."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, StrictBool, StringConstraints, model_validator

from ivr.config_section import Section, all_defaults
from ivr.units import Duration

FrontName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
Port = Annotated[int, Field(ge=1, le=65535)]


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError as error:
        raise ValueError(f"{text!r} is not an address; write 192.0.2.7 or 192.0.2.0/24") from error


def _node_address(text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError as error:
        raise ValueError(f"{text!r} is not an IPv4 address; write 10.0.0.2") from error


def _long_enough(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < 16:
        raise ValueError("a secret of fewer than 16 characters can be guessed; make one: openssl rand -hex 16")
    return secret


def _program(text: str) -> str:
    if not re.fullmatch(r"[\w .+-]{3,60}", text):
        raise ValueError(f"{text!r}: write a part of the User-Agent in letters, digits, spaces and . _ + -")
    return text


Network = Annotated[str, AfterValidator(_network)]
NodeAddress = Annotated[str, AfterValidator(_node_address)]
NodesSecret = Annotated[SecretStr, AfterValidator(_long_enough)]
ProgramName = Annotated[str, AfterValidator(_program)]

SCANNERS: tuple[str, ...] = (
    "friendly-scanner", "friendly-request", "sipvicious", "sipcli", "sip-scan", "sipsak", "sundayddr", "iWar",
    "SIVuS", "Gulp", "sipv", "smap", "VaxSIPUserAgent", "pplsip", "scanner", "Nmap",
)  # fmt: skip
"""What known scanners call themselves in User-Agent."""


class TrunkSettings(Section):
    """A provider or PBX that calls are taken from."""

    addresses: tuple[Network, ...] = Field(min_length=1)
    """Where its requests come from; ports do not matter."""
    calls_per_s: int | None = Field(None, ge=1)
    """New calls; beyond it they get 503. No limit when empty."""


class FrontTlsSettings(Section):
    """SIP over TLS."""

    port: Port = 5061
    certificate_file: str
    """PEM, with the certificates between it and the root behind it."""
    key_file: str
    """PEM, without passphrase."""
    oldest: Literal["1.2", "1.3"] = "1.2"
    """The oldest version that is spoken."""


class WebSocketSettings(Section):
    """SIP for browsers (RFC 7118)."""

    port: Port = 8443
    secure: StrictBool = True
    """`wss:` with the certificate of `tls:`; browsers take `ws:` from pages of localhost only."""
    origins: tuple[str, ...] = ()
    """Pages that may call, as `https://www.example.com`; all when empty."""


class FrontLimits(Section):
    """What one source, which is no trunk, may do."""

    requests_per_s: int = Field(60, ge=1)
    """Of any kind; what is beyond it gets no answer."""
    calls_per_s: int = Field(5, ge=1)
    """New calls; beyond it they get 503."""
    half_open_per_source: int = Field(20, ge=1)
    """Calls that are not acknowledged yet, those of the last minute that never were included; beyond it 503."""
    ban: Duration = 60.0
    """Scanners, and sources of a flood, begin nothing new for so long. Calls that they have go on."""
    largest_message_bytes: int = Field(16384, ge=1500, le=65000)
    """Larger requests get 513."""


class NodesSettings(Section):
    """Machines whose fronts lead calls to each other's workers. All of them have the same ports."""

    addresses: tuple[NodeAddress, ...] = Field(min_length=1)
    """`inner_address` of each; this one's own may be among them."""
    secret: NodesSecret
    """Only ever `${NAME}`; the same on all nodes, 16 characters or more."""
    port: Port = 5198
    """TCP, at `inner_address`: where the others tell about their workers."""


class FrontSettings(Section):
    """Kamailio in front of the workers."""

    inner_address: str = "127.0.0.1"
    """Local address at which it meets the workers; nobody else should be able to reach it."""
    inner_port: Port = 5199
    callers: Literal["anyone", "trunks"] = "anyone"
    """Who may call: `trunks` are those below and the registrars of the accounts."""
    trunks: dict[FrontName, TrunkSettings] = Field(default_factory=dict)
    limits: FrontLimits = all_defaults()
    scanners: tuple[ProgramName, ...] = SCANNERS
    """Parts of a User-Agent that gets no answer, in any case."""
    answer_within: Duration = 0.45
    """A worker that says nothing at all for so long is passed over, and left alone for some seconds."""
    retry_after: Duration = 5.0
    """Callers are told with 503 to try again after so long."""
    tls: FrontTlsSettings | None = None
    websocket: WebSocketSettings | None = None
    nodes: NodesSettings | None = None
    processes: int = Field(2, ge=1, le=32)
    """That handle what workers send, and what comes over streams. An outer UDP address has one, so that the requests of
    a call stay in order.
    """
    memory_mb: int = Field(64, ge=16)
    """Shared memory for transactions and tables; 64 MB are enough for 2,000 calls."""

    @property
    def other_nodes(self) -> tuple[str, ...]:
        """Inner addresses of the other nodes; none where this one is alone."""
        if self.nodes is None:
            return ()
        return tuple(address for address in self.nodes.addresses if address != self.inner_address)

    @model_validator(mode="after")
    def _secure_needs_a_certificate(self) -> FrontSettings:
        if self.websocket is not None and self.websocket.secure and self.tls is None:
            raise ValueError("websocket: `secure: true` needs `tls:` with a certificate; without one, `secure: false`")
        return self
