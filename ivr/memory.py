"""Keeps a worker small: settings of glibc's allocator, libraries that are not needed. Does nothing elsewhere."""

from __future__ import annotations

import ctypes
import gc
import importlib
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType

_M_ARENA_MAX = -8
"""mallopt(3)."""
ARENAS = 2
"""glibc gives every thread an arena of its own, up to eight per core; the worker's threads are idle or native."""


def limit_arenas() -> None:
    """Let all threads share two arenas. To be called before the first thread starts."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS)


def collect_seldom() -> None:
    """For a program that ends soon: the default looks for garbage after every 700 things that were made."""
    gc.set_threshold(50_000, 20, 100)


def keep_everything() -> None:
    """For a program that ends within a second or two: it looks for no garbage at all."""
    gc.disable()


def collect_never() -> None:
    """For a program that ends: to look through everything that it made, to free it, takes a sixth of a second."""
    gc.freeze()


def settle() -> None:
    """Once everything is loaded: give free memory back, and spare the collector what lives as long as the process."""
    gc.collect()
    gc.freeze()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


@contextmanager
def without(name: str) -> Iterator[None]:
    """What is imported inside goes without the optional library `name`; later imports find it again."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # the import system's way to say that there is none
    try:
        yield
    finally:
        del sys.modules[name]


def with_plain_names() -> None:
    """Let Jinja2 do without its table of the world's letters: names in flows are of a to z, digits and _.

    The table is compiled at every start, which takes 33 ms. To be called before Jinja2 is imported.
    """
    if "jinja2" not in sys.modules:
        stand_in = ModuleType("jinja2._identifier")
        stand_in.pattern = re.compile(r"\w+")  # type: ignore[attr-defined]
        sys.modules.setdefault(stand_in.__name__, stand_in)


def without_plugins() -> None:
    """Let pydantic look for no plugins, now and later: for that it reads what is known of all installed packages.

    That takes 1.6 MB for good, and 30 ms. To be called before the first model is made.
    """
    name, loader = "importlib.metadata", "pydantic.plugin._loader"
    if name in sys.modules or loader in sys.modules:
        return
    stand_in = ModuleType(name)
    stand_in.entry_points = lambda **_: ()  # type: ignore[attr-defined]
    sys.modules[name] = stand_in
    try:
        with suppress(ImportError):  # another release of pydantic: then it looks
            importlib.import_module(loader)
    finally:
        del sys.modules[name]
