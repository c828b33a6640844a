"""What the end of a dialled leg means for a transfer, by Q.850 cause and SIP status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ivr.flow.events import TransferOutcome

_BY_CAUSE: Final[Mapping[int, TransferOutcome]] = {
    1: TransferOutcome.UNKNOWN,  # unallocated number
    3: TransferOutcome.UNREACHABLE,  # no route to destination
    17: TransferOutcome.BUSY,
    18: TransferOutcome.NO_ANSWER,  # no user responding
    19: TransferOutcome.NO_ANSWER,  # no answer, user alerted
    20: TransferOutcome.UNREACHABLE,  # subscriber absent
    21: TransferOutcome.REFUSED,  # call rejected
    27: TransferOutcome.UNREACHABLE,  # destination out of order
    28: TransferOutcome.UNKNOWN,  # invalid number format
    34: TransferOutcome.UNREACHABLE,  # no circuit available
    38: TransferOutcome.UNREACHABLE,  # network out of order
    42: TransferOutcome.UNREACHABLE,  # congestion
}
"""ITU-T Q.850 causes of a Reason header (RFC 3326), which say more than the status that a PBX made of them."""

_BY_STATUS: Final[Mapping[int, TransferOutcome]] = {
    404: TransferOutcome.UNKNOWN,
    410: TransferOutcome.UNKNOWN,
    416: TransferOutcome.UNKNOWN,
    484: TransferOutcome.UNKNOWN,
    604: TransferOutcome.UNKNOWN,
    486: TransferOutcome.BUSY,
    600: TransferOutcome.BUSY,
    480: TransferOutcome.NO_ANSWER,
    487: TransferOutcome.NO_ANSWER,
    401: TransferOutcome.REFUSED,
    403: TransferOutcome.REFUSED,
    405: TransferOutcome.REFUSED,
    407: TransferOutcome.REFUSED,
    488: TransferOutcome.REFUSED,
    501: TransferOutcome.REFUSED,
    603: TransferOutcome.REFUSED,
    606: TransferOutcome.REFUSED,
    500: TransferOutcome.UNREACHABLE,
    502: TransferOutcome.UNREACHABLE,
    503: TransferOutcome.UNREACHABLE,
    504: TransferOutcome.UNREACHABLE,
}
"""RFC 3261 §21 final statuses; 480 is "not available now", which for a caller is an unanswered telephone."""


def outcome_of(sip_status: int, hangup_cause: int | None = None, *, was_ringing: bool = False) -> TransferOutcome:
    """What a failed leg means. 408 is silence: of the person when it rang, of the host when it never did."""
    if hangup_cause is not None and hangup_cause in _BY_CAUSE:
        return _BY_CAUSE[hangup_cause]
    if sip_status == 408:
        return TransferOutcome.NO_ANSWER if was_ringing else TransferOutcome.UNREACHABLE
    return _BY_STATUS.get(sip_status, TransferOutcome.FAILED)
