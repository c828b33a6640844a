"""Whether a decoding graph (OpenFst binary file) is whole. Vosk crashes the process on a graph that was cut off.

The file begins with a header: magic, type, arc type, version, flags, properties, start, number of states and of arcs. A
`const` graph then has a fixed size per state and arc; the look-ahead types wrap one of those. Of other types only the
header is checked.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

_MAGIC = 2125659606
_ADD_ON_MAGIC = 446681434
_STATE_BYTES = 20
_ARC_BYTES = 16
_LONGEST_NAME_BYTES = 64


def is_whole_fst(path: Path) -> bool:
    """Whether the graph has a valid header and at least the length that its header asks for."""
    try:
        with path.open("rb") as file:
            return _needed_bytes(file) <= path.stat().st_size
    except (OSError, ValueError, struct.error):
        return False


def _needed_bytes(file: BinaryIO) -> int:
    """Where the graph at the position of `file` ends at the earliest, in bytes. Raises ValueError, struct.error."""
    if _read(file, "<i")[0] != _MAGIC:
        raise ValueError("no graph")
    kind = _name(file)
    _name(file)
    _version, _flags, _properties, _start, states, arcs = _read(file, "<iiQqqq")
    if kind.endswith("lookahead"):
        if _read(file, "<i")[0] != _ADD_ON_MAGIC:
            raise ValueError("no wrapped graph")
        return _needed_bytes(file)
    needed = file.tell() + (states * _STATE_BYTES + arcs * _ARC_BYTES if kind == "const" else 0)
    return int(needed)


def _name(file: BinaryIO) -> str:
    (length,) = _read(file, "<i")
    if not 0 < length <= _LONGEST_NAME_BYTES:
        raise ValueError("no name")
    return file.read(length).decode("ascii")


def _read(file: BinaryIO, form: str) -> tuple[int, ...]:
    return struct.unpack(form, file.read(struct.calcsize(form)))
