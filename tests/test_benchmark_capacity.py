"""The capacity benchmark's own reading of the wire, on captures made here."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import numpy as np
import pytest

from benchmarks.capacity.capture import WireCall, read_calls
from benchmarks.capacity.report import Row
from benchmarks.capacity.spoken import write_audio
from benchmarks.capacity.summary import Cost, Summary, summarize
from ivr.testing.sip_peer.g711 import encode
from ivr.testing.sip_peer.measure import tone
from ivr.testing.sip_peer.recording import TimedPacket, keys_of
from ivr.testing.sip_peer.rtp import RtpPacket, pack_rtp, parse_rtp

pytestmark = pytest.mark.unit

CALLER_PORT, BOT_PORT, MEDIA_PORT = 5095, 5060, 22004
SDP = f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {MEDIA_PORT} RTP/AVP 0\r\n"
QUIET = Cost(cpu_percent=10, memory_mb=100, machine_percent=50)


def sip(first_line: str, cseq: str, body: str = "") -> bytes:
    lines = [first_line, "Call-ID: one", f"CSeq: {cseq}", f"Content-Length: {len(body)}", "", body]
    return "\r\n".join(lines).encode()


def write_capture(path: Path, packets: list[tuple[float, int, int, bytes]]) -> None:
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for at_s, source, destination, payload in packets:
            frame = bytes(34) + struct.pack("!HHHH", source, destination, 8 + len(payload), 0) + payload
            file.write(struct.pack("<IIII", int(at_s), round(at_s % 1 * 1e6), len(frame), len(frame)) + frame)


def rtp(sequence: int, payload: bytes) -> bytes:
    return pack_rtp(RtpPacket(0, sequence, sequence * 160, 7, payload))


def test_a_call_is_read_off_the_wire_with_its_delays(tmp_path: Path) -> None:
    silence, sound = b"\xff" * 40, encode("PCMU", tone(600, 0.005))
    write_capture(
        tmp_path / "sip.pcap",
        [
            (10.0, CALLER_PORT, BOT_PORT, sip("INVITE sip:a@b SIP/2.0", "1 INVITE", SDP)),
            (10.001, BOT_PORT, CALLER_PORT, sip("SIP/2.0 100 Trying", "1 INVITE")),
            (10.005, BOT_PORT, CALLER_PORT, sip("SIP/2.0 200 OK", "1 INVITE")),
            (15.0, CALLER_PORT, BOT_PORT, sip("BYE sip:a@b SIP/2.0", "2 BYE")),
            (15.001, BOT_PORT, CALLER_PORT, sip("SIP/2.0 200 OK", "2 BYE")),
        ],
    )
    heard = [(10.01 + 0.02 * place, 4000, MEDIA_PORT, rtp(place, sound if place else silence)) for place in range(100)]
    write_capture(tmp_path / "rtp.pcap", heard)
    (call,) = read_calls(tmp_path, CALLER_PORT)
    assert call.answer_delay_ms == pytest.approx(5, abs=0.01)
    assert call.first_audio_ms == pytest.approx(25, abs=0.01)
    assert call.ended_s == pytest.approx(15.0)
    assert len(call.packets) == 100


def test_a_refused_call_has_its_status_and_no_delays(tmp_path: Path) -> None:
    write_capture(
        tmp_path / "sip.pcap",
        [
            (10.0, CALLER_PORT, BOT_PORT, sip("INVITE sip:a@b SIP/2.0", "1 INVITE", SDP)),
            (10.005, BOT_PORT, CALLER_PORT, sip("SIP/2.0 503 Full", "1 INVITE")),
        ],
    )
    write_capture(tmp_path / "rtp.pcap", [])
    (call,) = read_calls(tmp_path, CALLER_PORT)
    assert (call.refused_status, call.answer_delay_ms, call.first_audio_ms) == (503, None, None)


def call_with(sequences: list[int], answered_s: float | None = 1.0) -> WireCall:
    packets = [
        TimedPacket(2 + 0.02 * number, RtpPacket(0, number, number * 160, 7, b""), "PCMU") for number in sequences
    ]
    return WireCall(MEDIA_PORT, 0.9, answered_s, packets=packets)


def summary_of(*calls: WireCall, cost: Cost = QUIET) -> Summary:
    return summarize(calls, len(calls), cost, 2, 30)


def test_a_load_holds_only_with_all_calls_up_little_lost_and_the_machine_not_full() -> None:
    whole, torn = call_with(list(range(200))), call_with([number for number in range(200) if number % 20])
    assert summary_of(whole, whole).holds
    assert not summary_of(whole, call_with([], answered_s=None)).holds
    assert not summary_of(torn, torn).holds
    assert not summary_of(whole, cost=Cost(10, 100, machine_percent=81)).holds


def test_losses_and_gaps_are_told() -> None:
    summary = summary_of(call_with([number for number in range(200) if number != 100]))
    assert summary.lost_percent == pytest.approx(100 / 200)
    assert summary.longest_gap_ms == pytest.approx(40)
    assert summary.cpu_per_call == 10


def test_nothing_measured_is_no_number_and_misses_every_limit() -> None:
    summary = summary_of(call_with([], answered_s=None))
    assert math.isnan(summary.answer_ms.p95) and summary.lost_percent == 100
    row = Row("INVITE to 200", "ms", lambda load, _: load.answer_ms.p95, max_more=20)
    assert row.verdict(summary.answer_ms.p95, 5.0) == "missed"


def test_the_callers_audio_has_no_hole_and_a_key_now_and_then(tmp_path: Path) -> None:
    write_audio(tmp_path / "audio.pcap", duration_s=13, key_every_s=6)
    data, at, packets = (tmp_path / "audio.pcap").read_bytes(), 24, []
    while at < len(data):
        second, micro, kept, _ = struct.unpack_from("<IIII", data, at)
        packet = parse_rtp(data[at + 16 + 42 : at + 16 + kept])
        assert packet is not None
        packets.append(
            TimedPacket(second + micro / 1e6, packet, "PCMU" if packet.payload_type == 0 else "telephone-event")
        )
        at += 16 + kept
    assert [packet.packet.sequence for packet in packets] == list(range(len(packets)))
    assert np.diff([packet.at_s for packet in packets]).max() <= 0.0201
    assert [(key.digit, key.duration_ms, key.has_end) for key in keys_of(packets)] == [("1", 100, True)] * 2
