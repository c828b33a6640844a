"""What went over the wire, by tcpdump with the kernel's clock: SIP whole, of RTP the beginnings."""

from __future__ import annotations

import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ivr.testing.sip_peer.g711 import decode
from ivr.testing.sip_peer.measure import level_dbfs
from ivr.testing.sip_peer.message import SipRequest, cseq_of, parse_message
from ivr.testing.sip_peer.recording import RtpStats, TimedPacket, rtp_stats
from ivr.testing.sip_peer.rtp import parse_rtp
from ivr.testing.sip_peer.sdp import parse_sdp

RTP_BYTES = 14 + 20 + 8 + 12 + 40
"""Of each RTP packet: headers and 5 ms of audio, enough to tell sound from silence."""
SOUND_DBFS = -45.0
_BUFFER_KB = 65536
_START_LIMIT_S = 5.0
_HELD_S = 1.5
"""The kernel hands packets over in blocks, the last one after a second."""
_RECORD = struct.Struct("<IIII")
_NOT_UDP_BYTES = 14 + 20


@dataclass(slots=True)
class WireCall:
    """One call as it went over the wire; times are seconds of the kernel's clock."""

    media_port: int
    invite_s: float
    answered_s: float | None = None
    refused_status: int | None = None
    ended_s: float | None = None
    """BYE of the caller."""
    packets: list[TimedPacket] = field(default_factory=list)

    @property
    def answer_delay_ms(self) -> float | None:
        """INVITE → 200; None for a call that was not answered."""
        return None if self.answered_s is None else (self.answered_s - self.invite_s) * 1000

    @property
    def first_audio_ms(self) -> float | None:
        """200 → first packet with sound; None where there was none."""
        if self.answered_s is None:
            return None
        first = next((packet.at_s for packet in self.packets if _has_sound(packet)), None)
        return None if first is None else (first - self.answered_s) * 1000

    def rtp(self, from_s: float, to_s: float) -> RtpStats | None:
        """Figures of what came in this time; None without at least a second of packets."""
        within = [packet for packet in self.packets if from_s <= packet.at_s < to_s]
        return rtp_stats(within) if len(within) > 50 else None


def _has_sound(entry: TimedPacket) -> bool:
    return entry.codec == "PCMU" and level_dbfs(decode("PCMU", entry.packet.payload)) > SOUND_DBFS


@contextmanager
def captured(folder: Path, caller_port: int, media_ports: range) -> Iterator[None]:
    """Write `folder`/sip.pcap and rtp.pcap while the context lasts: the callers' SIP, and RTP that comes to them."""
    filters = {
        "sip": (0, f"udp port {caller_port}"),
        "rtp": (RTP_BYTES, f"udp dst portrange {media_ports.start}-{media_ports.stop - 1}"),
    }
    with ExitStack() as stack:
        for name, (snap_bytes, expression) in filters.items():
            stack.enter_context(_tcpdump(folder / f"{name}.pcap", snap_bytes, expression))
        yield


@contextmanager
def _tcpdump(path: Path, snap_bytes: int, expression: str) -> Iterator[None]:
    command = [
        "tcpdump",
        "-i",
        "lo",
        "-n",
        "-U",
        "-B",
        str(_BUFFER_KB),
        "-s",
        str(snap_bytes),
        "-w",
        str(path),
        expression,
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            _wait_for_file(path, process)
            yield
        finally:
            time.sleep(_HELD_S)
            process.terminate()
            said = process.communicate()[1]
    dropped = [line for line in said.splitlines() if "dropped by kernel" in line and not line.startswith("0 ")]
    if dropped:
        raise RuntimeError(f"tcpdump missed packets, so nothing can be said of losses: {dropped[0]}")


def _wait_for_file(path: Path, process: subprocess.Popen[str]) -> None:
    deadline_s = time.monotonic() + _START_LIMIT_S
    while not path.exists() or not path.stat().st_size:
        if process.poll() is not None or time.monotonic() > deadline_s:
            raise RuntimeError(f"tcpdump does not start (it needs root): {process.communicate(timeout=1)[1]}")
        time.sleep(0.02)


def _records(path: Path) -> Iterator[tuple[float, int, int, bytes]]:
    """(time in s, source port, destination port, what UDP carried) of each packet."""
    data = path.read_bytes()
    at = 24
    while at + 16 <= len(data):
        second, micro, kept, _ = _RECORD.unpack_from(data, at)
        udp = at + 16 + _NOT_UDP_BYTES
        source, destination = struct.unpack_from("!HH", data, udp)
        yield second + micro / 1e6, source, destination, data[udp + 8 : at + 16 + kept]
        at += 16 + kept


def read_calls(folder: Path, caller_port: int) -> list[WireCall]:
    """The calls of a capture, in the order of their INVITEs, with their packets."""
    calls = _signalled(folder / "sip.pcap", caller_port)
    by_port = {call.media_port: call for call in calls}
    for at_s, _, port, payload in _records(folder / "rtp.pcap"):
        packet = parse_rtp(payload)
        if packet is not None and port in by_port:
            codec = "PCMU" if packet.payload_type == 0 else ""
            by_port[port].packets.append(TimedPacket(at_s, packet, codec))
    return calls


def _signalled(path: Path, caller_port: int) -> list[WireCall]:
    calls: dict[str, WireCall] = {}
    for at_s, source, _, payload in _records(path):
        message = parse_message(payload)
        call_id = message.headers.get("Call-ID") or ""
        is_callers = source == caller_port
        if isinstance(message, SipRequest):
            if is_callers and message.method == "INVITE" and call_id not in calls:
                calls[call_id] = WireCall(parse_sdp(message.body).port, at_s)
            elif is_callers and message.method == "BYE" and call_id in calls:
                calls[call_id].ended_s = calls[call_id].ended_s or at_s
        elif not is_callers and cseq_of(message)[1] == "INVITE" and call_id in calls:
            _note_final(calls[call_id], message.status, at_s)
    return list(calls.values())


def _note_final(call: WireCall, status: int, at_s: float) -> None:
    if 200 <= status < 300:
        call.answered_s = call.answered_s or at_s
    elif status >= 300:
        call.refused_status = status
