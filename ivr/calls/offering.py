"""What the flow is told of a call that comes in."""

from __future__ import annotations

from datetime import datetime

from ivr.calls.returning import Returned
from ivr.flow.events import CallOffered
from ivr.ports import LegOffered


def call_offered(offered: LegOffered, back: Returned, at_s: float, local_now: datetime) -> CallOffered:
    """The first event of a flow; `back` is where an earlier call of the caller left off."""
    return CallOffered(
        at_s,
        offered.ani,
        offered.dnis,
        offered.ani_name,
        back.variables,
        back.sensitive,
        back.language,
        back.resume_at,
        back.result,
        back.part,
        back.frames,
        offered.offers_video,
        local_now,
    )
