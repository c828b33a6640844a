"""What must be known of the SIP library before there is a worker."""

from __future__ import annotations

import os

from ivr.errors import TelephonyError


def legs_of_worker() -> int:
    """How many legs one process can carry, asked of the library itself, in a process that ends with that.

    To be called before threads and event loops are made. Raises TelephonyError.
    """
    told, tells = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.close(told)
            os.write(tells, str(_ask()).encode())
        finally:
            os._exit(0)
    os.close(tells)
    with os.fdopen(told) as answer:
        legs = answer.read()
    os.waitpid(pid, 0)
    if not legs:
        raise TelephonyError("the SIP library could not be started; `ivr doctor` says what is missing")
    return int(legs)


def _ask() -> int:
    from ivr.config import SipSettings
    from ivr.sip.endpoint import Endpoint

    endpoint = Endpoint(SipSettings(address="127.0.0.1", port=0))
    endpoint.open()
    return endpoint.max_legs
