"""Fills the gaps in a process's memory, so that what processes forked from it make for themselves lies in new pages.

In a gap it would take a shared page for itself, and so would each step through the allocators' lists of gaps. Filled:
the gaps among Python's values (up to 512 bytes) and those in the heap of the C library. Where these manage their
memory in another way than is known here, this does nothing of use, and no harm.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from typing import Final

_GAPS_LIMIT: Final = 20_000
"""Of one size; there are some hundred."""

_POOL_BYTES: Final = 16_384
_POOL_HEADER_BYTES: Final = 48
_STEP_BYTES: Final = 16
_VALUE_BYTES: Final = range(3 * _STEP_BYTES, 512 + 1, _STEP_BYTES)
"""Of `Objects/obmalloc.c`: values of one size share a pool; those of Python's own types take 48 bytes and more."""

_BLOCK_BYTES: Final = (65_536, 32_768, 16_384, 8_192, 4_096, 2_048, *range(1_032, 23, -16))
"""Of glibc's `malloc/malloc.c`, the largest first: up to 1,032 bytes there is a list of gaps for every size."""


class FilledGaps:
    """Holds the gaps for as long as processes are forked; 8 ms, and 1 MB in this process for 1.5 MB in each of them."""

    def __init__(self) -> None:
        self._values = _fill_among_values()
        self._blocks = _fill_heap()

    @property
    def count(self) -> int:
        """How many it holds."""
        return len(self._values) + len(self._blocks)

    def release(self) -> None:
        """Let them be used again. Idempotent."""
        self._values.clear()
        while self._blocks:
            _C.free(self._blocks.pop())


def _fill_among_values() -> list[bytes]:
    kept: list[bytes] = []
    for size_bytes in _VALUE_BYTES:
        last, in_a_row, whole_pool = 0, 0, (_POOL_BYTES - _POOL_HEADER_BYTES) // size_bytes - 1
        for _ in range(_GAPS_LIMIT):
            kept.append(bytes(size_bytes - sys.getsizeof(b"")))
            in_a_row = in_a_row + 1 if id(kept[-1]) - last == size_bytes else 0
            last = id(kept[-1])
            if in_a_row == whole_pool:
                break
    return kept


def _fill_heap() -> list[int]:
    """Addresses of the blocks. It is the heap of the main thread, where everything was made."""
    kept: list[int] = []
    with suppress(AttributeError):  # another C library
        end = _end_of_heap()
        for size_bytes in _BLOCK_BYTES:
            for _ in range(_GAPS_LIMIT):
                block = _C.malloc(size_bytes)
                kept += [block] if block else []
                if not block or block >= end:
                    break
    return kept


def _end_of_heap() -> int:
    """Where what was never used begins."""
    return int(_C.sbrk(0)) - int(_C.mallinfo2().keepcost)


class _Mallinfo(ctypes.Structure):
    """mallinfo(3)."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


def _c_library() -> ctypes.CDLL:
    library = ctypes.CDLL(None)
    with suppress(AttributeError):
        library.mallinfo2.restype = _Mallinfo
        library.sbrk.restype, library.sbrk.argtypes = ctypes.c_void_p, [ctypes.c_ssize_t]
        library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
        library.free.restype, library.free.argtypes = None, [ctypes.c_void_p]
    return library


_C: Final = _c_library()
