"""Settings of what is done when there is more work than the machine carries. Pure."""

from __future__ import annotations

from pydantic import StrictBool

from ivr.config_section import Section
from ivr.units import Duration, Share


class AdmissionSettings(Section):
    """When new calls are refused (503) to spare those in progress; calls in progress are never touched."""

    enabled: StrictBool = True
    """Whether that is ever done. The number of legs is a limit all the same."""
    late_audio: Share = 0.05
    """Share of late audio ticks (more than 20 ms behind their time) at which new calls are refused; `100%`: never."""
    cpu: Share = 0.9
    """Share of the processors in use at which new calls are refused; `100%`: never."""
    own_work: Share = 0.3
    """Both count only while the bot's own work takes at least this share of the processors; `0%`: whoever does it."""
    hold: Duration = 5.0
    """A limit counts when it was reached for so long, and as long again it must be kept before new calls are taken."""
