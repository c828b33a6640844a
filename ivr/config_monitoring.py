"""Settings of supervisors who listen to talks, whisper into them or join them. Pure."""

from __future__ import annotations

from pydantic import StrictBool

from ivr.config_section import Section
from ivr.units import Duration


class MonitoringSettings(Section):
    """Whether and how a supervisor takes part in the talk of a caller and a person."""

    allowed: StrictBool = False
    """Off until somebody has found out what the law asks for: consent, an announcement, an agreement with those who
    work there."""
    account: str = ""
    """Account that calls supervisors; the bot's own identity when empty."""
    ring_for: Duration = 20.0
    """How long a supervisor's telephone rings."""
