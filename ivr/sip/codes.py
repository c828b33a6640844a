"""SIP status codes and Q.850 causes as plain numbers. Pure: knows neither pjsua2 nor the network."""

from __future__ import annotations

from typing import Final

OK: Final = 200
ACCEPTED: Final = 202
RINGING: Final = 180
SESSION_PROGRESS: Final = 183
BAD_REQUEST: Final = 400
REQUEST_TIMEOUT: Final = 408
UNSUPPORTED_MEDIA_TYPE: Final = 415
NO_SUCH_CALL: Final = 481
BUSY_HERE: Final = 486
REQUEST_TERMINATED: Final = 487
NOT_ACCEPTABLE_HERE: Final = 488
SERVER_ERROR: Final = 500
NOT_IMPLEMENTED: Final = 501
BAD_GATEWAY: Final = 502
SERVICE_UNAVAILABLE: Final = 503
DECLINE: Final = 603

_CAUSE_TEXTS: Final = {
    1: "Unallocated number",
    16: "Normal call clearing",
    17: "User busy",
    18: "No user responding",
    19: "No answer from user",
    20: "Subscriber absent",
    21: "Call rejected",
    26: "Non-selected user clearing",
    27: "Destination out of order",
    28: "Invalid number format",
    31: "Normal, unspecified",
    34: "No circuit available",
    38: "Network out of order",
    41: "Temporary failure",
    42: "Switching equipment congestion",
    127: "Interworking, unspecified",
}

_REFUSED_CREDENTIALS: Final = frozenset({401, 403, 404, 407})


def reason_header_value(hangup_cause: int) -> str:
    """Value of a Reason header (RFC 3326 §2) that carries a Q.850 cause."""
    text = _CAUSE_TEXTS.get(hangup_cause)
    suffix = f';text="{text}"' if text else ""
    return f"Q.850;cause={hangup_cause}{suffix}"


def is_success(sip_status: int) -> bool:
    """2xx."""
    return 200 <= sip_status < 300


def is_refused_credentials(sip_status: int) -> bool:
    """Whether a registrar said that it does not want this account, rather than that it is away."""
    return sip_status in _REFUSED_CREDENTIALS


def retry_delay_s(sip_status: int, failures: int, retry_every_s: float, longest_s: float = 300.0) -> float:
    """How long to wait before registering again.

    A registrar that is away is asked again every `retry_every_s`. One that refuses the credentials is asked at
    doubling intervals, so that its protection against guessing does not lock the address out.
    """
    if not is_refused_credentials(sip_status):
        return retry_every_s
    doublings = min(max(failures - 1, 0), 16)
    return max(retry_every_s, min(retry_every_s * 2.0**doublings, longest_s))
