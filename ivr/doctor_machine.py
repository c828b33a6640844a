"""What `ivr doctor` asks of the machine itself: Python, sockets, port ranges, room on disk. Imports no engine."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import sys
from contextlib import suppress
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Final

from ivr.config import SipSettings
from ivr.immutable import immutable

WANTED_PYTHON: Final = ((3, 11), (3, 12))
"""Those that pjsua2 has wheels for."""
LEAST_FREE_BYTES: Final = 100_000_000
PORT_RANGE_FILE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")


class State(StrEnum):
    """How a check came out. A warning does not keep the bot from answering calls."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@immutable
class Finding:
    """What one check found, and what to do about it."""

    name: str
    state: State
    text: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """For JSON."""
        return asdict(self)


def ok(name: str, text: str) -> Finding:
    """All is well."""
    return Finding(name, State.OK, text)


def failed(name: str, error: object) -> Finding:
    """The bot cannot do its work. An error's text already says `what is wrong; what to do`."""
    text, _, remedy = str(error).partition("; ")
    return Finding(name, State.FAILED, text, remedy)


def warning(name: str, error: object) -> Finding:
    """The bot works, with less than it could."""
    text, _, remedy = str(error).partition("; ")
    return Finding(name, State.WARNING, text, remedy)


def check_python() -> Finding:
    """The interpreter is one that the SIP library was built for."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.implementation.name == "cpython" and sys.version_info[:2] in WANTED_PYTHON:
        return ok("python", f"CPython {version}")
    return failed(
        "python", f"{sys.implementation.name} {version} has no pjsua2; install CPython 3.12 and `make clean run`"
    )


def check_sip_port(settings: SipSettings) -> Finding:
    """The SIP address is free, or a bot has it already."""
    kinds = {"UDP": socket.SOCK_DGRAM} if settings.udp else {}
    kinds |= {"TCP": socket.SOCK_STREAM} if settings.tcp else {}
    where = f"{settings.address}:{settings.port}"
    for name, kind in kinds.items():
        error = _bind_error(settings.address, settings.port, kind)
        if error is None:
            continue
        if error.errno != errno.EADDRINUSE:
            return failed(
                "sip port", f"{where} ({name}) cannot be opened: {error.strerror}; set another sip: address/port"
            )
        owner = _bot_at(settings.port)
        if owner is not None:
            return ok("sip port", f"{where}: a bot answers there already (process {owner})")
        remedy = f"end that program (`ss -lpn | grep {settings.port}` shows it), or set another `sip: port:`"
        return failed("sip port", f"{where} ({name}) is taken by another program; {remedy}")
    return ok("sip port", f"{where} is free ({', '.join(kinds)})")


def _bind_error(address: str, port: int, kind: int) -> OSError | None:
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind == socket.SOCK_STREAM:  # connections of a bot that just ended linger, and hinder nobody
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            if kind == socket.SOCK_STREAM:
                probe.listen()
        except OSError as error:
            return error
    return None


def _bot_at(port: int) -> int | None:
    """The process of an `ivr serve` that has the UDP or TCP port; None where it is another program or unknown."""
    inodes = {inode for table in ("udp", "tcp") for inode in _socket_inodes(Path("/proc/net") / table, port)}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (process / "cmdline").read_bytes().split(b"\0")
            if (
                b"serve" in command
                and any(part.endswith(b"/ivr") for part in command)
                and inodes & _sockets_of(process)
            ):
                return int(process.name)
    return None


def _socket_inodes(table: Path, port: int) -> set[str]:
    """Inodes of the sockets on a local port, from /proc/net/udp or tcp (proc_net(5))."""
    with suppress(OSError):
        rows = [line.split() for line in table.read_text().splitlines()[1:]]
        return {row[9] for row in rows if int(row[1].rpartition(":")[2], 16) == port}
    return set()


def _sockets_of(process: Path) -> set[str]:
    links = (os.readlink(file) for file in (process / "fd").iterdir())
    return {link.removeprefix("socket:[").rstrip("]") for link in links if link.startswith("socket:")}


def check_rtp_ports(settings: SipSettings, port_range_file: Path = PORT_RANGE_FILE) -> Finding:
    """The audio ports exist, are free, and no other program is given one by chance."""
    first, last = settings.rtp_port, settings.rtp_port + settings.rtp_port_count - 1
    if last > 65535:
        return failed("rtp ports", f"{first} to {last} goes beyond 65535; lower `sip: rtp_port:`")
    low, high = _ephemeral_range(port_range_file)
    if first <= high and last >= low:
        remedy = f"set `sip: rtp_port:` so that the range ends below {low}"
        return warning(
            "rtp ports", f"{first} to {last} overlaps the kernel's ephemeral ports ({low} to {high}); {remedy}"
        )
    taken = [port for port in range(first, last + 1) if _bind_error(settings.address, port, socket.SOCK_DGRAM)]
    if len(taken) > settings.rtp_port_count // 2:
        return failed("rtp ports", f"most of {first} to {last} are taken; set another `sip: rtp_port:`")
    return ok("rtp ports", f"{first} to {last}" + (f", {len(taken)} in use" if taken else ", all free"))


def _ephemeral_range(file: Path) -> tuple[int, int]:
    try:
        low, high = file.read_text().split()
        return int(low), int(high)
    except (OSError, ValueError):
        return 32768, 60999  # Linux's default


def check_folder(name: str, folder: Path, wanted_bytes: int = 0) -> Finding:
    """A folder can be written to, and its disk has room. A missing one is made at the start of the bot."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return failed(name, f"{folder} cannot be written to; change the rights of {existing}, or name another folder")
    free_bytes = shutil.disk_usage(existing).free
    room = f"{free_bytes / 1e9:.1f} GB free"
    if free_bytes < LEAST_FREE_BYTES:
        return failed(name, f"{folder}: only {room}; make room on that disk")
    if free_bytes < wanted_bytes:
        return warning(name, f"{folder}: {room}, less than its limit; lower `speech: cache_limit_mb:` or make room")
    return ok(name, f"{folder}, {room}")
