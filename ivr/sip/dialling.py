"""Sends the INVITE of a leg that we dial. SIP thread only."""

from __future__ import annotations

from typing import Any, Final

import pjsua2 as pj

from ivr.config import AccountSettings
from ivr.ports import DialRequest
from ivr.sip import codes, translate
from ivr.sip.account import with_transport
from ivr.sip.call import add_headers

_TOO_MANY: Final = 70010
"""`PJ_ETOOMANY`: the library has no call left."""


def place(call: Any, own_uri: str, request: DialRequest, account: AccountSettings | None) -> tuple[int, str] | None:
    """Dial with the library's call; the status and reason of what prevents it, None when it is on its way."""
    parameters = pj.CallOpParam(True)
    parameters.opt.audioCount, parameters.opt.videoCount = 1, 0
    add_headers(parameters, translate.header_pairs(request.headers))
    parameters.txOption.localUri = translate.caller_id_uri(request.caller_id, own_uri)
    try:
        call.makeCall(with_transport(request.uri, account.transport if account else "udp"), parameters)
    except pj.Error as error:
        if error.status == _TOO_MANY:
            return codes.SERVICE_UNAVAILABLE, "no free leg"
        return codes.BAD_REQUEST, str(error.reason)
    return None
