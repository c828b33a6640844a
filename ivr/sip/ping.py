"""Whether somebody answers at a SIP address: one OPTIONS (RFC 3261 §11), by plain sockets, in milliseconds."""

from __future__ import annotations

import re
import secrets
import socket
import time

from ivr.errors import TelephonyError
from ivr.immutable import immutable

FIRST_REPEAT_S = 0.5
"""T1: by UDP a request is sent again after it, and then after twice as long each time (RFC 3261 §17.1.2.1)."""
_LONGEST_ANSWER_BYTES = 65_535
_STATUS = re.compile(rb"SIP/2\.0 ([2-6]\d\d) ([^\r\n]*)\r?\n")
"""A final one: 1xx only says that there will be one."""


@immutable
class Pong:
    """What came back."""

    sip_status: int
    reason: str
    after_s: float


def ping(host: str, port: int, within_s: float, *, is_tcp: bool = False) -> Pong:
    """Ask until there is a final answer, whatever it says: it shows life. Raises TelephonyError when none comes."""
    began_s = time.monotonic()
    kind = socket.SOCK_STREAM if is_tcp else socket.SOCK_DGRAM
    where = f"{host}:{port} by {'TCP' if is_tcp else 'UDP'}"
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=kind)[0]
        with socket.socket(family, kind) as line:
            line.settimeout(within_s)
            line.connect(address)
            branch = f"z9hG4bK{secrets.token_hex(8)}"  # RFC 3261 §8.1.1.7
            request = options_request(host, port, _own_address(line), branch, is_tcp=is_tcp)
            sip_status, reason = _exchange(line, request, branch.encode(), began_s + within_s, is_tcp=is_tcp)
    except TimeoutError as error:
        raise TelephonyError(f"{where} does not answer within {within_s:g} s; is the bot started?") from error
    except OSError as error:
        raise TelephonyError(f"{where}: {error.strerror or error}; is the bot started?") from error
    return Pong(sip_status, reason, time.monotonic() - began_s)


def options_request(host: str, port: int, own: str, branch: str, *, is_tcp: bool) -> bytes:
    """The request. `own`: our `host:port`."""
    target = f"sip:{_in_uri(host)}:{port}"
    lines = [
        f"OPTIONS {target} SIP/2.0",
        f"Via: SIP/2.0/{'TCP' if is_tcp else 'UDP'} {own};branch={branch};rport",
        "Max-Forwards: 70",
        f"From: <sip:ping@{own}>;tag={secrets.token_hex(4)}",
        f"To: <{target}>",
        f"Call-ID: {secrets.token_hex(8)}@ping",
        "CSeq: 1 OPTIONS",
        f"Contact: <sip:ping@{own}>",
        "Accept: application/sdp",
        "Content-Length: 0",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def final_answer(received: bytes, branch: bytes) -> tuple[int, str] | None:
    """Status and reason of the answer to our request; None for anything else."""
    found = _STATUS.search(received)
    if found is None or branch not in received[found.end() :]:
        return None
    return int(found[1]), found[2].decode("utf-8", "replace").strip()


def _exchange(
    line: socket.socket, request: bytes, branch: bytes, deadline_s: float, *, is_tcp: bool
) -> tuple[int, str]:
    """Send, by UDP again and again, and read until the answer is there. Raises OSError, TimeoutError in the end."""
    repeat_s, received = FIRST_REPEAT_S, b""
    line.sendall(request)
    while (left_s := deadline_s - time.monotonic()) > 0:
        line.settimeout(left_s if is_tcp else min(repeat_s, left_s))
        try:
            came = line.recv(_LONGEST_ANSWER_BYTES)
        except TimeoutError:
            if not is_tcp:
                line.sendall(request)
                repeat_s *= 2
            continue
        if is_tcp and not came:
            raise ConnectionResetError("the connection was closed without an answer")
        received = received + came if is_tcp else came
        if (answer := final_answer(received, branch)) is not None:
            return answer
    raise TimeoutError


def _own_address(line: socket.socket) -> str:
    host, port = line.getsockname()[:2]
    return f"{_in_uri(host)}:{port}"


def _in_uri(host: str) -> str:
    return f"[{host}]" if ":" in host else host
