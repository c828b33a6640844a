"""`python -m benchmarks.flood`: INVITEs in thousands at the public port, while callers listen to a tone.

The callers come from a trunk, as those of a PBX do; the flood from strangers. Exit status 1 when a call has an audible
gap, or no call works afterwards.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import secrets
import socket
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from benchmarks import machine
from benchmarks.bot import BEHIND_FRONT_PORT, PROMPT_HZ, running_bot
from ivr.supervisor.control import ask
from ivr.testing.sip_peer import PeerCall, SipPeer
from ivr.testing.sip_peer.measure import spans_of_tone
from ivr.testing.sip_peer.recording import RtpStats
from ivr.testing.sip_peer.sdp import build_offer

SPARE_LEGS: Final = 4
OFFER: Final = build_offer("127.0.0.1", 9, ("PCMU",))
NEXT_LIMIT_S: Final = 12.0
"""The flood's own calls, which it never acknowledges, have given their legs back by then."""
TICK_S: Final = 0.005


@dataclass(frozen=True, slots=True)
class Flood:
    """What strangers send."""

    seconds: float
    per_s: int
    sources: int

    def run(self) -> None:
        """In a process of its own: an even pace, the sources in turn; answers are not waited for."""
        sockets = list(_sockets(self.sources))
        began_s, sent, all_of_them = time.monotonic(), 0, round(self.seconds * self.per_s)
        while sent < all_of_them:
            due = min(int((time.monotonic() - began_s) * self.per_s), all_of_them)
            for number in range(sent, due):
                sender = sockets[number % len(sockets)]
                sender.sendto(_invite(*sender.getsockname()), ("127.0.0.1", BEHIND_FRONT_PORT))
            sent = due
            time.sleep(TICK_S)


def _sockets(count: int) -> Iterator[socket.socket]:
    for number in range(count):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.bind((f"127.0.{1 + number // 250}.{1 + number % 250}", 0))
        yield sender


def _invite(host: str, port: int) -> bytes:
    lines = [
        f"INVITE sip:bench@127.0.0.1:{BEHIND_FRONT_PORT} SIP/2.0",
        f"Via: SIP/2.0/UDP {host}:{port};rport;branch=z9hG4bK{secrets.token_hex(6)}",
        "Max-Forwards: 70",
        f"From: <sip:flood@{host}>;tag={secrets.token_hex(4)}",
        f"To: <sip:bench@127.0.0.1:{BEHIND_FRONT_PORT}>",
        f"Call-ID: {secrets.token_hex(8)}",
        "CSeq: 1 INVITE",
        f"Contact: <sip:flood@{host}:{port}>",
        "Content-Type: application/sdp",
        f"Content-Length: {len(OFFER)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + OFFER


@dataclass(frozen=True, slots=True)
class Heard:
    """How the callers fared while it went on."""

    spans: list[int]
    """Pieces of the tone that each heard; one where there was no gap."""
    ended: int
    rtp: list[RtpStats]
    late_ms: float
    """The worst delay of the callers' own packets: what the gaps may be wrong by."""
    next_after_s: float
    """When the next caller got through after the flood, who tried again and again; infinity for never."""
    figures: dict[str, Any]
    cpu_percent: float
    """Of one core, all processes of the bot."""

    @property
    def is_good(self) -> bool:
        """No gap, and the next call works."""
        return not self.ended and set(self.spans) == {1} and self.next_after_s < NEXT_LIMIT_S


async def measure(uri: str, run_dir: Path, pids: Sequence[int], calls: int, flood: Flood) -> Heard:
    """Callers who listen, and a flood meanwhile."""
    async with AsyncExitStack() as stack:
        phone = await stack.enter_async_context(SipPeer(user="bench", codecs=("PCMU",)))
        made = [await phone.dial(uri, timeout_s=5) for _ in range(calls)]
        await asyncio.sleep(0.5)
        from_s, used_s = time.monotonic(), machine.cpu_s(list(pids))
        process = multiprocessing.get_context("spawn").Process(target=flood.run)
        process.start()
        await asyncio.to_thread(process.join)
        to_s = time.monotonic()
        percent = (machine.cpu_s(list(pids)) - used_s) / (to_s - from_s) * 100
        figures = await asyncio.to_thread(ask, run_dir, {"do": "status"})
        next_after_s = await _next_after_s(phone, uri)
        return Heard(
            spans=[_pieces(call, from_s, to_s) for call in made],
            ended=sum(call.is_ended or not call.is_answered for call in made),
            rtp=[call.rtp_stats(from_s, to_s) for call in made],
            late_ms=max(call.stream.max_late_ms for call in made),
            next_after_s=next_after_s,
            figures=figures["front"],
            cpu_percent=percent,
        )


async def _next_after_s(phone: SipPeer, uri: str) -> float:
    began_s = time.monotonic()
    while time.monotonic() < began_s + NEXT_LIMIT_S:
        tried_s = time.monotonic()
        if (await phone.dial(uri, timeout_s=5)).is_answered:
            return tried_s - began_s
        await asyncio.sleep(0.5)
    return float("inf")


def _pieces(call: PeerCall, from_s: float, to_s: float) -> int:
    """How many pieces of the tone were heard between two instants."""
    start_s, end_s = call.since_answer_s(from_s), call.since_answer_s(to_s)
    return sum(end > start_s and start < end_s for start, end in spans_of_tone(call.received_audio(), PROMPT_HZ))


def _table(heard: Heard, flood: Flood) -> Table:
    rate = f"{flood.per_s} INVITEs a second for {flood.seconds:g} s from {flood.sources} address(es)"
    table = Table("", "", title=f"{len(heard.spans)} calls, {rate}")
    lost, packets = sum(stats.lost for stats in heard.rtp), sum(stats.packets for stats in heard.rtp)
    table.add_row("calls that ended", str(heard.ended))
    table.add_row("calls with an audible gap", str(sum(pieces != 1 for pieces in heard.spans)))
    table.add_row("RTP gap p99, worst call", f"{max(stats.gap_p99_ms for stats in heard.rtp):.1f} ms")
    table.add_row("RTP gap, longest", f"{max(stats.gap_max_ms for stats in heard.rtp):.1f} ms")
    table.add_row("RTP lost", f"{lost} of {packets}")
    table.add_row("callers' own packets late", f"{heard.late_ms:.1f} ms at worst")
    table.add_row("the front refused or dropped", str(heard.figures.get("refused", heard.figures)))
    table.add_row("CPU of the bot", f"{heard.cpu_percent:.0f} % of a core")
    table.add_row("the next caller got through", f"after {heard.next_after_s:.1f} s")
    return table


def main(
    seconds: Annotated[float, typer.Option(help="How long; the tone lasts 15 s.", max=11.0)] = 10.0,
    per_second: Annotated[int, typer.Option(help="INVITEs.")] = 1000,
    calls: Annotated[int, typer.Option(help="That go on meanwhile.")] = 20,
    sources: Annotated[int, typer.Option(help="Addresses that the flood comes from.", max=5000)] = 1,
) -> None:
    """A flood at the front of a bot in which callers listen; exit status 1 when they notice."""
    flood = Flood(seconds, per_second, sources)
    with (
        tempfile.TemporaryDirectory(prefix="ivr-flood-") as folder,
        running_bot(Path(folder), "bot", capacity=calls + SPARE_LEGS, recognizer="none") as bot,
    ):
        run_dir = Path(folder) / "bot" / "var" / "run"
        heard = asyncio.run(measure(bot.uri, run_dir, bot.pids, calls, flood))
    Console().print(_table(heard, flood))
    raise typer.Exit(0 if heard.is_good else 1)


if __name__ == "__main__":
    typer.run(main)
