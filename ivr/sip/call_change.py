"""What a change of a call's state was, as plain values. SIP thread only, inside of the library's callback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pjsua2 as pj

from ivr.sip import translate


@dataclass(frozen=True, slots=True)
class CallChange:
    """What a change of the call's state was, copied out of the callback."""

    is_early: bool
    is_confirmed: bool
    is_disconnected: bool
    sip_status: int
    reason: str
    message: str
    """The SIP message that brought it; empty for a timer or a transport error."""
    is_network: bool
    """Nobody said so: a timer ran out or the transport failed."""


def call_change(info: Any, event: Any) -> CallChange:
    """Read the library's `CallInfo` and `SipEvent`."""
    message, is_network = "", False
    if event.type == pj.PJSIP_EVENT_TSX_STATE:
        change = event.body.tsxState
        if change.type == pj.PJSIP_EVENT_RX_MSG:
            message = str(change.src.rdata.wholeMsg)
        is_network = change.type in (pj.PJSIP_EVENT_TIMER, pj.PJSIP_EVENT_TRANSPORT_ERROR)
    elif event.type in (pj.PJSIP_EVENT_TIMER, pj.PJSIP_EVENT_TRANSPORT_ERROR):
        is_network = True
    return CallChange(
        is_early=info.state == pj.PJSIP_INV_STATE_EARLY,
        is_confirmed=info.state == pj.PJSIP_INV_STATE_CONFIRMED,
        is_disconnected=info.state == pj.PJSIP_INV_STATE_DISCONNECTED,
        sip_status=int(info.lastStatusCode),
        reason=translate.clean(info.lastReason, translate.REASON_LIMIT),
        message=message,
        is_network=is_network,
    )
