"""SIPp as the callers: so many calls, so many a second, each for so long."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.capacity.capture import WireCall, captured, read_calls
from benchmarks.capacity.spoken import write_audio
from tests.lab import control

CALLER_PORT = control.RTP_TRUNK_PORT
"""Asterisk knows callers of this port and asks no password of them."""
MEDIA_PORTS = range(22000, 32000, 4)
"""Callers' audio, as SIPp counts on from `-mp`: outside Asterisk's, the bot's, and the kernel's ephemeral ports."""
KEY_EVERY_S = 6.0
_SCENARIO = Path(__file__).with_name("callers.xml")
_EXTRA_S = 30.0
"""SIPp ends by itself; after this time it is ended."""


@dataclass(frozen=True, slots=True)
class Target:
    """Who is called."""

    name: str
    number: str
    port: int
    pids: Callable[[], list[int]]


def place_calls(
    target: Target, folder: Path, *, calls: int, rate_per_s: float, duration_s: float, while_up: Callable[[], None]
) -> list[WireCall]:
    """Place `calls` calls, `rate_per_s` of them each second, each `duration_s` long; what went over the wire.

    `while_up` is called once all have been placed, and should return before the first one ends.
    """
    folder.mkdir(parents=True)
    scenario = _scenario(folder, duration_s)
    with ExitStack() as stack:
        stack.enter_context(_open_ports(calls))
        stack.enter_context(captured(folder, CALLER_PORT, MEDIA_PORTS))
        sipp = _sipp(target, folder, scenario, calls, rate_per_s, duration_s)
        try:
            time.sleep(calls / rate_per_s)
            while_up()
            sipp.wait(duration_s + _EXTRA_S)
        except subprocess.TimeoutExpired:
            pass  # calls that hang: the capture tells
        finally:
            sipp.kill()
            sipp.wait()
    return read_calls(folder, CALLER_PORT)


def _scenario(folder: Path, duration_s: float) -> Path:
    write_audio(folder / "audio.pcap", duration_s, KEY_EVERY_S)
    path = folder / "callers.xml"
    path.write_text(_SCENARIO.read_text().replace("AUDIO", str(folder / "audio.pcap")))
    return path


def _sipp(
    target: Target, folder: Path, scenario: Path, calls: int, rate_per_s: float, duration_s: float
) -> subprocess.Popen[bytes]:
    options = {
        "-sf": scenario,
        "-s": target.number,
        "-i": control.HOST,
        "-mi": control.HOST,
        "-p": CALLER_PORT,
        "-mp": MEDIA_PORTS.start,
        "-m": calls,
        "-l": calls,
        "-r": round(rate_per_s * 10),
        "-rp": 10_000,
        "-d": round(duration_s * 1000),
    }
    arguments = [str(word) for option in options.items() for word in option]
    with (folder / "sipp.log").open("wb") as log:
        command = ["sipp", f"{control.HOST}:{target.port}", "-nostdin", *arguments]
        return subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


@contextmanager
def _open_ports(count: int) -> Iterator[None]:
    """Take the callers' audio ports, unread: a closed one would answer each packet with "port unreachable"."""
    with ExitStack() as stack:
        for port in MEDIA_PORTS[1 : count + 1]:  # SIPp itself has the first
            taken = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            taken.bind((control.HOST, port))
        yield
