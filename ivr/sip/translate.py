"""Turns SIP message text into plain values, with a limit on everything that a peer can send. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import unquote

from ivr.ports import DtmfMethod
from ivr.sip.offer import has_video

NUMBER_LIMIT: Final = 64
"""Characters kept of a user part (calling or dialled number)."""
NAME_LIMIT: Final = 128
"""Characters kept of a display name."""
HEADER_VALUE_LIMIT: Final = 512
HEADER_COUNT_LIMIT: Final = 32
REASON_LIMIT: Final = 128
HOST_LIMIT: Final = 253
_STREAMS_LIMIT: Final = 16
"""`PJMEDIA_MAX_SDP_MEDIA`: further ones are dropped from the answer, which is then none (RFC 3264 §6)."""
_WITH_ADDRESS = re.compile(r"(?:c=|a=rtcp:\s*\d+)\s*in\s", re.IGNORECASE)
"""Lines that say where audio or its reports go (RFC 4566 §5.7, RFC 3605 §2.1); the latter may leave it at a port."""
_BROADCAST: Final = "255.255.255.255"
DIGITS: Final = frozenset("0123456789*#ABCD")

_HEAD_LIMIT: Final = 65536
_COMPACT: Final = {
    "c": "Content-Type",
    "f": "From",
    "t": "To",
    "i": "Call-ID",
    "m": "Contact",
    "v": "Via",
    "r": "Refer-To",
    "b": "Referred-By",
}
_CONTEXT_HEADERS: Final = {"user-to-user": "User-to-User", "diversion": "Diversion", "referred-by": "Referred-By"}
_FOLD = re.compile(r"\r?\n[ \t]+")
_LINE_END = re.compile(r"\r\n?|\n")
"""Only these: what Python takes for line ends as well (NEL, U+2028, vertical tab) may be part of a value, and a display
name that holds one would bring a header of its own with it."""
_TOKEN = re.compile(r"[A-Za-z0-9!%*_+`'~.-]{1,64}")
_ADDR_SPEC = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?P<rest>[^<>\s]*)")
_TAG = re.compile(r";\s*tag\s*=\s*([^;\s,>]+)", re.IGNORECASE)
_CSEQ_DIGITS: Final = 10
_CAUSE = re.compile(r"^\s*q\.850\s*;.*?\bcause\s*=\s*(\d{1,3})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SipMessage:
    """Start line and headers of a message; the body is not kept."""

    start_line: str
    headers: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        """Values of every header of that name, in order."""
        wanted = name.lower()
        return [value for key, value in self.headers if key.lower() == wanted]

    def first(self, name: str) -> str:
        """Value of the first header of that name; empty when there is none."""
        return next(iter(self.all(name)), "")


@dataclass(frozen=True, slots=True)
class Party:
    """Who a name-addr (RFC 3261 §25.1) names."""

    name: str
    user: str
    host: str


def parse_message(text: str) -> SipMessage:
    """Split a SIP message; lines that are not headers are dropped, never an error."""
    head = re.split(r"\r?\n\r?\n", text[:_HEAD_LIMIT], maxsplit=1)[0]
    lines = _LINE_END.split(_FOLD.sub(" ", head))
    headers = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        name = name.strip()
        if colon and _TOKEN.fullmatch(name):
            headers.append((_COMPACT.get(name.lower(), name), value.strip()))
    return SipMessage(lines[0], tuple(headers))


def clean(text: str, limit: int) -> str:
    """The text without control characters, cut to `limit` characters."""
    return "".join(char for char in text if char.isprintable())[:limit].strip()


def parse_party(value: str) -> Party:
    """Read a From, To, P-Asserted-Identity or similar value; what cannot be read is empty."""
    name, uri = _split_name_addr(value)
    user, host = _user_and_host(uri)
    return Party(clean(name, NAME_LIMIT), clean(user, NUMBER_LIMIT), clean(host, HOST_LIMIT))


def uri_of(value: str) -> str:
    """The URI of a name-addr."""
    return _split_name_addr(value)[1]


def tag_of(value: str) -> str:
    """The tag of a From or To value; empty when it has none (RFC 3261 §20.20)."""
    _, bracket, after = value.rpartition(">")
    found = _TAG.search(after if bracket else value)
    return found[1] if found else ""


def cseq_of(message: SipMessage) -> int:
    """The sequence number; -1 where there is none."""
    number = message.first("CSeq").partition(" ")[0]
    return int(number) if number.isascii() and number.isdigit() and len(number) <= _CSEQ_DIGITS else -1


def _split_name_addr(value: str) -> tuple[str, str]:
    quoted = re.match(r'\s*"((?:[^"\\]|\\.)*)"\s*', value)
    name = re.sub(r"\\(.)", r"\1", quoted.group(1)) if quoted else ""
    rest = value[quoted.end() :] if quoted else value
    left, bracket, inner = rest.partition("<")
    if bracket:
        return name or left.strip(), inner.partition(">")[0]
    return name, rest.split(";", 1)[0]


def _user_and_host(uri: str) -> tuple[str, str]:
    match = _ADDR_SPEC.match(uri.strip())
    if match is None:
        return "", ""
    rest = match["rest"]
    if match["scheme"].lower() == "tel":
        return rest.split(";", 1)[0], ""
    userinfo, at, hostpart = rest.rpartition("@")
    user = unquote(userinfo.split(":", 1)[0].split(";", 1)[0]) if at else ""
    return user, _host_of(hostpart)


def _host_of(hostport: str) -> str:
    bare = re.split(r"[;?]", hostport, maxsplit=1)[0]
    if bare.startswith("["):
        return bare[1:].partition("]")[0]
    return bare.partition(":")[0]


def uri_host(uri: str) -> str:
    """Host of a SIP URI, without port and parameters."""
    return _user_and_host(uri.strip("<> "))[1]


def uri_address(uri: str) -> str:
    """Host of a SIP URI where that is an IP address; else empty."""
    host = uri_host(uri).strip("[]")
    try:
        return str(ip_address(host))
    except ValueError:
        return ""


def uri_user(uri: str) -> str:
    """User part of a SIP URI."""
    return _user_and_host(uri.strip("<> "))[0]


def calling_party(message: SipMessage, *, is_trusted: bool) -> Party:
    """Who calls: P-Asserted-Identity (RFC 3325 §9.1) when the peer is trusted and sent one, else From."""
    if is_trusted:
        for value in message.all("P-Asserted-Identity"):
            party = parse_party(value)
            if party.user:
                return party
    return parse_party(message.first("From"))


def dialled_number(message: SipMessage) -> str:
    """User part of the request URI."""
    parts = message.start_line.split(" ")
    return clean(uri_user(parts[1]), NUMBER_LIMIT) if len(parts) >= 2 else ""


def offers_video(message: SipMessage, text: str) -> bool:
    """Whether the caller has video: it is offered, or a PBX that keeps it to itself says so (`X-Offers-Video: 1`)."""
    return message.first("X-Offers-Video").strip() == "1" or has_video(body_of(text))


def context_headers(message: SipMessage) -> Mapping[str, str]:
    """Headers that may carry context for the flow, by canonical name; the first of each name counts."""
    found: dict[str, str] = {}
    for name, value in message.headers:
        canonical = _canonical_context_name(name)
        if canonical and canonical not in found and len(found) < HEADER_COUNT_LIMIT:
            found[canonical] = clean(value, HEADER_VALUE_LIMIT)
    return found


def _canonical_context_name(name: str) -> str:
    lower = name.lower()
    if lower.startswith("x-"):
        return "-".join(part.capitalize() for part in lower.split("-"))
    return _CONTEXT_HEADERS.get(lower, "")


def hangup_cause(message: SipMessage) -> int | None:
    """Q.850 cause of the Reason headers (RFC 3326 §2), if one came."""
    for value in message.all("Reason"):
        for part in value.split(","):
            match = _CAUSE.match(part)
            if match and int(match[1]) <= 127:
                return int(match[1])
    return None


def has_usable_addresses(sdp: str) -> bool:
    """Whether no address in a session description is longer than a host name can be (RFC 1035 §2.3.4), and audio would
    go to one host that is given by its address, and there are no more streams than the library keeps.

    The library aborts the process over a longer one, and would send a caller's audio to a whole network. Names, which
    RFC 4566 §5.7 allows, it looks up at once, and every call would wait for the name server.
    """
    lines = [line.strip() for line in sdp.splitlines()]
    with_address = (line for line in lines if line.lower().startswith(("c=", "o=", "a=rtcp", "a=candidate")))
    is_short = all(len(word) <= HOST_LIMIT for line in with_address for word in line.split())
    streams = sum(line.lower().startswith("m=") for line in lines)
    return (
        is_short
        and streams <= _STREAMS_LIMIT
        and all(_is_one_host(line) for line in lines if _WITH_ADDRESS.match(line))
    )


def _is_one_host(line: str) -> bool:
    """Whether a `c=` or `a=rtcp:` line has the address of one host: no name, `224.2.1.1/127` or broadcast address."""
    try:
        address = ip_address(line.split()[-1].partition("/")[0])
    except ValueError:
        return False
    return not address.is_multicast and str(address) != _BROADCAST


def body_of(text: str) -> str:
    """What follows the headers of a message."""
    parts = re.split(r"\r?\n\r?\n", text, maxsplit=1)
    return parts[1] if len(parts) == 2 else ""


def peer_host(address: str) -> str:
    """`1.2.3.4:5060` or `[::1]:5060` without its port."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.rpartition(":")[0] if address.count(":") == 1 else address


def dtmf_digit(raw: str) -> str:
    """The key that a peer reported, or empty for anything that is not one."""
    digit = raw.strip()[:1].upper()
    return digit if digit in DIGITS else ""


def held_s(method: DtmfMethod, duration_ms: int) -> float:
    """How long a key was down when first seen; an INFO tells the whole press at its end, which is not that."""
    is_known = method is DtmfMethod.RFC4733 and 0 < duration_ms <= 60_000
    return duration_ms / 1000 if is_known else 0.0


def header_pairs(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """Headers of ours that are safe to send: valid names, values on one line."""
    safe = []
    for name, value in headers.items():
        if _TOKEN.fullmatch(name):
            safe.append((name, clean(value, HEADER_VALUE_LIMIT)))
    return safe


def caller_id_uri(caller_id: str, own_uri: str) -> str:
    """Our address of record with another user part; empty when the caller id cannot be one."""
    host = own_uri.strip("<> ").rpartition("@")[2]
    if not host or not re.fullmatch(r"[0-9A-Za-z+*#._-]{1,64}", caller_id):
        return ""
    return f"sip:{caller_id.replace('#', '%23')}@{host}"
