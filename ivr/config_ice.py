"""Settings of the servers by which browsers find a way through firewalls and NATs (ICE, RFC 8445). Pure."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints, model_validator

from ivr.config_section import Section
from ivr.units import Duration

_PLACE = r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9][A-Za-z0-9.-]{0,252})(:\d{1,5})?"
StunUrl = Annotated[str, StringConstraints(pattern=rf"^stuns?:{_PLACE}$")]
"""RFC 7064."""
TurnUrl = Annotated[str, StringConstraints(pattern=rf"^turns?:{_PLACE}(\?transport=(udp|tcp))?$")]
"""RFC 7065."""


class IceSettings(Section):
    """STUN and TURN servers for the pages that talk to the telephone system by WebRTC."""

    stun: tuple[StunUrl, ...] = ()
    """Tell a browser its public address: `stun:turn.example.org:3478`."""
    turn: tuple[TurnUrl, ...] = ()
    """Relay audio and video: `turn:turn.example.org:3478?transport=udp`, `turns:turn.example.org:443?transport=tcp`."""
    secret: SecretStr | None = None
    """Only ever `${NAME}`; the one of the TURN servers (coturn: `static-auth-secret`). No page gets to know it."""
    valid: Annotated[Duration, Field(ge=60, le=86_400)] = 7200.0
    """How long a page may use the TURN servers, which is asked when a call begins."""

    @model_validator(mode="after")
    def _turn_needs_a_secret(self) -> IceSettings:
        if bool(self.turn) != bool(self.secret and self.secret.get_secret_value()):
            raise ValueError("turn and secret belong together: whoever may use a TURN server is told by the secret")
        return self
