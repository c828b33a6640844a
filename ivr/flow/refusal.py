"""With which SIP status a call is refused that was not answered. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

UNAVAILABLE: Final = 480
"""Temporarily unavailable: says nothing about other ways to reach the same people. A 603 would forbid to look for them
(RFC 3261 §21.6.2): a proxy then tries nobody else."""

_STATUS_OF_CAUSE: Final[Mapping[int, int]] = {
    1: 404,  # unallocated number
    17: 486,  # user busy
    18: 408,  # no user responding
    21: 403,  # call rejected
    22: 410,  # number changed
    27: 502,  # destination out of order
    28: 484,  # number incomplete
    34: 503,  # no circuit
    38: 503,  # network out of order
    41: 500,  # our own failure; 503 would tell the other side to send us no more calls
    42: 503,  # congestion
}


def status_of_cause(hangup_cause: int | None) -> int:
    """SIP status for a Q.850 cause (RFC 3398 §7.2.4.1), 480 where it says nothing special or there is none."""
    return _STATUS_OF_CAUSE.get(hangup_cause or 0, UNAVAILABLE)
