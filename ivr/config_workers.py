"""Settings of a bot that is made of several workers. Pure."""

from __future__ import annotations

from pydantic import Field

from ivr.config_section import Section
from ivr.units import Duration


class WorkersSettings(Section):
    """How `capacity` is carried where one worker is not enough."""

    address: str = "127.0.0.1"
    """Internal address on which the workers take SIP."""
    sip_port: int = Field(5200, ge=1024, le=65000)
    """The first worker's SIP port; the others follow."""
    hung_after: Duration = 5.0
    """A worker that gives no sign of life for so long is ended and replaced."""
    run_dir: str = "var/run"
    """Where `ivr status`, `ivr drain` and `ivr monitor` find the running bot."""
