"""Lets a UDP socket receive from given IPv4 hosts only: the kernel drops what comes from elsewhere (socket(7)).

A flood from another address then costs no thread of ours anything, and fills no queue that the caller's audio needs.
"""

from __future__ import annotations

import ctypes
import ipaddress
import os
import socket
import struct
from collections.abc import Iterable
from typing import Final

_ATTACH, _DETACH = 26, 27
"""`SO_ATTACH_FILTER`, `SO_DETACH_FILTER`."""
_LOAD_WORD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
"""Of the classic packet filter: `BPF_LD|BPF_W|BPF_ABS`, `BPF_JMP|BPF_JEQ|BPF_K`, `BPF_RET|BPF_K`."""
_SOURCE_AT: Final = 0x100000000 - 0x100000 + 12
"""`SKF_NET_OFF`, and where the header of IPv4 has the source (RFC 791 §3.1)."""
_PASS, _DROP = 0xFFFFFFFF, 0

Instruction = tuple[int, int, int, int]
"""Code, steps to skip when equal, steps to skip when not, operand."""


def program(hosts: Iterable[str]) -> list[Instruction]:
    """The filter. Raises ValueError for a host that is no IPv4 address."""
    steps: list[Instruction] = [(_LOAD_WORD, 0, 0, _SOURCE_AT)]
    for host in sorted(hosts):
        steps += [(_JUMP_IF_EQUAL, 0, 1, int(ipaddress.IPv4Address(host))), (_RETURN, 0, 0, _PASS)]
    return [*steps, (_RETURN, 0, 0, _DROP)]


def restrict(descriptor: int, hosts: Iterable[str] | None) -> None:
    """Let the socket receive from these hosts only; None lifts that. Raises OSError, ValueError."""
    with socket.socket(fileno=os.dup(descriptor)) as held:
        if hosts is None:
            held.setsockopt(socket.SOL_SOCKET, _DETACH, 0)
            return
        steps = b"".join(struct.pack("=HBBI", *step) for step in program(hosts))
        kept = ctypes.create_string_buffer(steps, len(steps))
        held.setsockopt(socket.SOL_SOCKET, _ATTACH, struct.pack("@HP", len(steps) // 8, ctypes.addressof(kept)))
