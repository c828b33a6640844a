"""What a person is told by headers of the call that rings: who calls, from which flow, what was answered. Pure.

`X-IVR-…` headers have one value each, `User-to-User` (RFC 7433) has what fits of all. What callers have said is
hostile: a value is printable ASCII when it leaves; anything else in it, line ends included, is percent-encoded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from json import dumps
from typing import Final
from urllib.parse import quote, urlencode

PREFIX: Final = "X-IVR-"
VALUE_LIMIT: Final = 60
"""Characters of one value: of a header when it is encoded, of User-to-User before."""

MORE: Final = "X-IVR-More"
"""Is there where a value was cut or left out: the record, the desk and the webhook have all."""

TOTAL_LIMIT_BYTES: Final = 420
"""Of all X-headers together; what is behind is left out. An INVITE is to fit into one datagram (1472 bytes)."""

UUI_LIMIT_BYTES: Final = 128
"""Of User-to-User, before its hexadecimal encoding: what ISDN carries (RFC 7434)."""

_IA5: Final = 0x04
"""Protocol discriminator of what follows it: characters of ASCII (ITU-T Q.931 §4.5.30)."""

_SAFE: Final = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


def context_headers(call_id: str, context: Mapping[str, object], answers: Mapping[str, object]) -> dict[str, str]:
    """Headers of the person's leg. `context` has caller, flow, language and wait_s; `answers` are variables by name."""
    headers: dict[str, str] = {}
    left, is_all = TOTAL_LIMIT_BYTES - _length(MORE, "1"), True
    for name, value in _named({"call_id": call_id, **context}, answers):
        header = PREFIX + "-".join(part.capitalize() for part in name.split("_"))
        text = _encoded(_text(value))
        left -= _length(header, text)
        is_all = is_all and left >= 0 and len(_quoted(_text(value))) <= VALUE_LIMIT
        if left >= 0:
            headers[header] = text
    if not is_all:
        headers[MORE] = "1"
    return {**headers, "User-to-User": user_to_user({"call_id": call_id, **context, **answers})}


def _length(header: str, value: str) -> int:
    return len(f"{header}: {value}\r\n")


def user_to_user(values: Mapping[str, object]) -> str:
    """As many of the values, in order, as have room: `name=value&…`, hexadecimal behind the discriminator."""
    packed = b""
    for name, value in values.items():
        pair = urlencode({name: _text(value)[:VALUE_LIMIT]}, errors="replace").encode("ascii")
        longer = packed + b"&" + pair if packed else pair
        if len(longer) + 1 <= UUI_LIMIT_BYTES:
            packed = longer
    return f"{bytes([_IA5, *packed]).hex()};encoding=hex;purpose=isdn-uui;content=isdn-uui"


def _named(context: Mapping[str, object], answers: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    yield from context.items()
    for name, value in answers.items():
        yield f"answer_{name}", value


def _encoded(text: str) -> str:
    """Percent-encoded, and cut between two characters."""
    encoded = ""
    for char in text:
        longer = encoded + _quoted(char)
        if len(longer) > VALUE_LIMIT:
            break
        encoded = longer
    return encoded.strip()


def _quoted(text: str) -> str:
    return quote(text, safe=_SAFE, errors="replace")


def _text(value: object) -> str:
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    return dumps(value, default=str, ensure_ascii=False)
