"""Sockets of the file system, wherever they lie and for their owner only. Needs no library."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def short_path(file: Path) -> Iterator[Path]:
    """A path of the same socket, by its folder's descriptor: a long one has more than 107 bytes (unix(7)).

    Raises OSError: there is no such folder.
    """
    descriptor = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield Path(f"/proc/self/fd/{descriptor}/{file.name}")
    finally:
        os.close(descriptor)


@contextmanager
def only_for_us() -> Iterator[None]:
    """What is bound meanwhile can be opened by this user only."""
    before = os.umask(0o177)
    try:
        yield
    finally:
        os.umask(before)
