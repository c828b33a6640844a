"""Machines of our own: network namespaces, joined by links that lead nowhere else. Needs root and `ip` (iproute2)."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

_CLONE_NEWNET = 0x40000000


def ip(*arguments: str) -> None:
    """Raises CalledProcessError with what `ip` said."""
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True, timeout=10)


@contextmanager
def machines(*names: str) -> Iterator[Mapping[str, str]]:
    """Name to namespace; each has its loopback. Skips the test where they are refused, with the reason."""
    if shutil.which("ip") is None:
        pytest.skip("`ip` is not installed (apt-get install iproute2, as scripts/setup.sh does)")
    namespaces = {name: f"ivr-{os.getpid()}-{name}" for name in names}
    made: list[str] = []
    try:
        for namespace in namespaces.values():
            try:
                ip("netns", "add", namespace)
            except subprocess.CalledProcessError as error:
                pytest.skip(f"network namespaces are refused here: {error.stderr.strip()}")
            made.append(namespace)
            ip("-n", namespace, "link", "set", "lo", "up")
        yield namespaces
    finally:
        for namespace in made:
            ip("netns", "del", namespace)


def join(first: tuple[str, str, str], second: tuple[str, str, str]) -> None:
    """A cable. Each end: namespace, name of its card, address with its network (none: a port of a switch)."""
    (one, card, _), (other, other_card, _) = first, second
    ip("link", "add", card, "netns", one, "type", "veth", "peer", "name", other_card, "netns", other)
    for namespace, name, address in (first, second):
        if address:
            ip("-n", namespace, "addr", "add", address, "dev", name)
        ip("-n", namespace, "link", "set", name, "up")


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """Sockets that are made here, and processes that are started here, are on that machine."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    target = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        _enter(target)
        yield
    finally:
        _enter(home)
        os.close(target)
        os.close(home)


def _enter(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def power_off(namespace: str, cards: Sequence[str]) -> None:
    """The machine is gone at once: no process of it says goodbye, no packet leaves it."""
    for card in cards:
        ip("-n", namespace, "link", "set", card, "down")
    listed = subprocess.run(["ip", "netns", "pids", namespace], check=True, capture_output=True, text=True, timeout=10)
    for pid in map(int, listed.stdout.split()):
        if Path(f"/proc/{pid}").exists():
            os.kill(pid, 9)
