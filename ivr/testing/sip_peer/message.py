"""SIP messages as values: parse and serialise (RFC 3261 §7, §25). No I/O, no clock, no state."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

COMPACT_NAMES = {
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
}
"""RFC 3261 §7.3.3 and the IANA table of compact forms."""

REASONS = {
    100: "Trying",
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    202: "Accepted",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    500: "Server Internal Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    603: "Decline",
}
BRANCH_COOKIE = "z9hG4bK"
"""Starts every RFC 3261 branch (§8.1.1.7)."""
_URI = re.compile(
    r"^(?P<scheme>sips?|tel):(?:(?P<user>[^@?]*)@)?(?P<host>\[[^\]]+\]|[^:;?>\s]+)(?::(?P<port>\d+))?"
    r"(?P<params>(?:;[^?\s]*)?)(?:\?(?P<headers>\S*))?$",
    re.IGNORECASE,
)
_NAME_ADDR = re.compile(r'^\s*(?P<name>"(?:[^"\\]|\\.)*"|[^<"]*?)\s*<(?P<uri>[^>]+)>(?P<params>.*)$', re.DOTALL)


class MalformedMessage(ValueError):
    """The bytes are not a SIP message, or a header value does not have its form."""


def canonical_name(name: str) -> str:
    """The long form of a header name, in lower case."""
    return COMPACT_NAMES.get(name.strip().lower(), name.strip()).lower()


class Headers:
    """Header fields in their order; names compare without case and compact forms equal long ones."""

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self.fields = list(fields)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.fields)

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def __repr__(self) -> str:
        return f"Headers({self.fields!r})"

    def get(self, name: str) -> str | None:
        """The first value, or None."""
        wanted = canonical_name(name)
        return next((value for key, value in self.fields if canonical_name(key) == wanted), None)

    def need(self, name: str) -> str:
        """The first value. Raises MalformedMessage if there is none."""
        value = self.get(name)
        if value is None:
            raise MalformedMessage(f"header {name} is missing")
        return value

    def all(self, name: str) -> list[str]:
        """Every value of the name, comma lists taken apart (RFC 3261 §7.3.1)."""
        wanted = canonical_name(name)
        return [part for key, value in self.fields if canonical_name(key) == wanted for part in split_list(value)]

    def add(self, name: str, value: str) -> None:
        """Append a field."""
        self.fields.append((name, value))

    def set(self, name: str, value: str) -> None:
        """Replace every field of the name by one, in the place of the first."""
        wanted = canonical_name(name)
        for index, (key, _) in enumerate(self.fields):
            if canonical_name(key) == wanted:
                self.fields[index] = (name, value)
                tail = [item for item in self.fields[index + 1 :] if canonical_name(item[0]) != wanted]
                self.fields[index + 1 :] = tail
                return
        self.add(name, value)

    def copy(self) -> Headers:
        """An independent copy."""
        return Headers(self.fields)


def split_list(value: str) -> list[str]:
    """Split at commas that are neither quoted nor inside angle brackets."""
    parts, start, in_quotes, in_angle = [], 0, False, False
    for index, char in enumerate(value):
        if char == '"' and (index == 0 or value[index - 1] != "\\"):
            in_quotes = not in_quotes
        elif not in_quotes and char in "<>":
            in_angle = char == "<"
        elif char == "," and not in_quotes and not in_angle:
            parts.append(value[start:index].strip())
            start = index + 1
    parts.append(value[start:].strip())
    return [part for part in parts if part]


@dataclass(slots=True)
class SipRequest:
    """A request."""

    method: str
    uri: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    def to_bytes(self) -> bytes:
        """The wire form; Content-Length is set to the body's length."""
        return _serialise(f"{self.method} {self.uri} SIP/2.0", self.headers, self.body)


@dataclass(slots=True)
class SipResponse:
    """A response."""

    status: int
    reason: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    def to_bytes(self) -> bytes:
        """The wire form; Content-Length is set to the body's length."""
        return _serialise(f"SIP/2.0 {self.status} {self.reason}", self.headers, self.body)

    @property
    def is_final(self) -> bool:
        """Whether no other response of this transaction follows."""
        return self.status >= 200


SipMessage = SipRequest | SipResponse


def _serialise(start_line: str, headers: Headers, body: bytes) -> bytes:
    lines = [start_line]
    lines += [f"{name}: {value}" for name, value in headers if canonical_name(name) != "content-length"]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + body


def parse_message(data: bytes) -> SipMessage:
    """Read one whole message. Raises MalformedMessage."""
    head, _, body = data.lstrip(b"\r\n").partition(b"\r\n\r\n")
    lines = re.sub(r"\r\n[ \t]+", " ", head.decode("utf-8", "surrogateescape")).split("\r\n")
    headers = Headers(_header_field(line) for line in lines[1:] if line)
    length = headers.get("Content-Length")
    if length is not None and length.strip().isdigit():
        body = body[: int(length)]
    return _with_start_line(lines[0], headers, body)


def _header_field(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name.strip():
        raise MalformedMessage(f"not a header field: {line[:60]!r}")
    return name.strip(), value.strip()


def _with_start_line(line: str, headers: Headers, body: bytes) -> SipMessage:
    parts = line.split(" ", 2)
    if len(parts) >= 2 and parts[0] == "SIP/2.0" and parts[1].isdigit():
        return SipResponse(int(parts[1]), parts[2] if len(parts) == 3 else "", headers, body)
    if len(parts) == 3 and parts[2].strip() == "SIP/2.0" and parts[0].isalpha():
        return SipRequest(parts[0], parts[1], headers, body)
    raise MalformedMessage(f"not a SIP start line: {line[:60]!r}")


@dataclass(frozen=True, slots=True)
class SipUri:
    """A SIP or tel URI (RFC 3261 §19.1)."""

    scheme: str
    user: str
    host: str
    port: int | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """As written after `?`, still escaped."""

    def without_headers(self) -> str:
        """The URI as a request URI: no `?` part."""
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port is not None else ""
        params = "".join(f";{key}={value}" if value else f";{key}" for key, value in self.params.items())
        return f"{self.scheme}:{user}{self.host}{port}{params}"


def parse_uri(text: str) -> SipUri:
    """Read a URI. Raises MalformedMessage."""
    match = _URI.match(text.strip())
    if match is None:
        raise MalformedMessage(f"not a SIP URI: {text[:80]!r}")
    pairs = (pair.partition("=") for pair in (match["headers"] or "").split("&") if pair)
    return SipUri(
        scheme=match["scheme"].lower(),
        user=match["user"] or "",
        host=match["host"],
        port=int(match["port"]) if match["port"] else None,
        params=parse_params(match["params"]),
        headers={key: value for key, _, value in pairs},
    )


def parse_params(text: str) -> dict[str, str]:
    """Read `;a=b;c` into a mapping with lower-case names; a parameter without a value has an empty one."""
    params = {}
    for part in text.split(";"):
        key, _, value = part.strip().partition("=")
        if key:
            params[key.strip().lower()] = value.strip().strip('"')
    return params


@dataclass(frozen=True, slots=True)
class NameAddr:
    """The value of From, To, Contact, Refer-To, Route (RFC 3261 §20.10)."""

    name: str
    uri: str
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def tag(self) -> str:
        """The dialog tag; empty without one."""
        return self.params.get("tag", "")


def parse_name_addr(text: str) -> NameAddr:
    """Read `"Name" <uri>;params` or `uri;params`. Raises MalformedMessage."""
    match = _NAME_ADDR.match(text)
    if match is not None:
        name = match["name"].strip()
        if name.startswith('"'):
            name = re.sub(r"\\(.)", r"\1", name[1:-1])
        return NameAddr(name, match["uri"].strip(), parse_params(match["params"]))
    uri, _, params = text.strip().partition(";")
    if not uri:
        raise MalformedMessage("an address is empty")
    return NameAddr("", uri, parse_params(params))


@dataclass(frozen=True, slots=True)
class Via:
    """The topmost Via."""

    transport: str
    sent_by: str
    params: Mapping[str, str]

    @property
    def branch(self) -> str:
        """Names the transaction."""
        return self.params.get("branch", "")


def top_via(message: SipMessage) -> Via:
    """The first Via. Raises MalformedMessage."""
    values = message.headers.all("Via")
    match = re.match(r"^SIP\s*/\s*2\.0\s*/\s*(\w+)\s+([^;]+)(.*)$", values[0]) if values else None
    if match is None:
        raise MalformedMessage("no usable Via")
    return Via(match[1].upper(), match[2].strip(), parse_params(match[3]))


def cseq_of(message: SipMessage) -> tuple[int, str]:
    """Number and method of CSeq. Raises MalformedMessage."""
    parts = message.headers.need("CSeq").split()
    if len(parts) != 2 or not parts[0].isdigit():
        raise MalformedMessage("CSeq is not `number method`")
    return int(parts[0]), parts[1]


def response_to(request: SipRequest, status: int, *, to_tag: str = "", reason: str = "") -> SipResponse:
    """A response with the headers that RFC 3261 §8.2.6.2 and §12.1.1 copy from the request."""
    response = SipResponse(status, reason or REASONS.get(status, "Unknown"))
    for name, value in request.headers:
        if canonical_name(name) in {"via", "record-route", "from", "to", "call-id", "cseq"}:
            response.headers.add(name, value)
    to = response.headers.get("To")
    if to_tag and to is not None and not parse_name_addr(to).tag:
        response.headers.set("To", f"{to};tag={to_tag}")
    return response


def new_token(size_bytes: int = 8) -> str:
    """A random token for tags, branches and Call-IDs."""
    return secrets.token_hex(size_bytes)


def new_branch() -> str:
    """A fresh RFC 3261 branch."""
    return BRANCH_COOKIE + new_token()


def parse_address(text: str, default_port: int = 5060) -> tuple[str, int]:
    """`host:port` or a SIP URI as (host, port); localhost becomes 127.0.0.1."""
    uri = parse_uri(text if re.match(r"^sips?:", text) else f"sip:{text}")
    return ("127.0.0.1" if uri.host == "localhost" else uri.host), uri.port or default_port
