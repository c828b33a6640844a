"""The messages of RFC 4475, written as it writes them: `<allOneLine>`, `<hex>` and `<repeat>` of its section 2."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_FILES = [Path(__file__).parent / "data" / "sip" / f"rfc4475_{part}.txt" for part in ("valid", "invalid", "layers")]
_TITLE = re.compile(r"^=== (\w+) ([\d.]+) (.*)\n", re.MULTILINE)
_ONE_LINE = re.compile(r"<allOneLine>\n(.*?)\n</allOneLine>", re.DOTALL)
_REPEAT = re.compile(rb"<repeat count=(\d+)>(.*?)</repeat>")
_HEX = re.compile(rb"<hex>([0-9A-F]+)</hex>")


@dataclass(frozen=True)
class Torture:
    """One message."""

    name: str
    section: str
    title: str
    data: bytes
    """With CR LF at the ends of its lines."""

    @property
    def is_request(self) -> bool:
        """Whether it wants an answer."""
        return not self.data.startswith(b"SIP/")


def messages() -> list[Torture]:
    """All of them, in the order of the RFC's sections."""
    found: list[Torture] = []
    for file in _FILES:
        parts = _TITLE.split(file.read_text())[1:]
        for name, section, title, text in zip(*(parts[at::4] for at in range(4)), strict=True):
            found.append(Torture(name, section, title, _expanded(text)))
    return found


def _expanded(text: str) -> bytes:
    joined = _ONE_LINE.sub(lambda match: match[1].replace("\n", ""), text)
    data = joined.replace("\n", "\r\n").encode()
    data = _REPEAT.sub(lambda match: match[2] * int(match[1]), data)
    return _HEX.sub(lambda match: bytes.fromhex(match[1].decode()), data)
