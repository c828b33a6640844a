"""RTP, key presses, G.711, recordings and measuring: pure."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from ivr.testing.sip_peer.g711 import decode, encode
from ivr.testing.sip_peer.measure import (
    first_sound_s,
    level_dbfs,
    silence_begins_s,
    spans_of_tone,
    tone,
    tone_level_dbfs,
)
from ivr.testing.sip_peer.recording import TimedPacket, keys_of, layout, read_wav, rtp_stats, write_wav
from ivr.testing.sip_peer.rtp import KeyShape, RtpPacket, event_packets, pack_rtp, parse_event, parse_rtp

pytestmark = pytest.mark.unit


def test_rtp_reads_back() -> None:
    packet = RtpPacket(8, 65535, 0xFFFFFFFF, 0x12345678, b"abc", has_marker=True)
    assert pack_rtp(packet)[:4] == b"\x80\x88\xff\xff"
    assert parse_rtp(pack_rtp(packet)) == packet


def test_csrc_extension_and_padding_are_skipped() -> None:
    header = bytes([0xB1, 0]) + b"\0\1" + b"\0\0\0\2" + b"\0\0\0\3"
    data = header + b"CSRC" + b"\xbe\xde\x00\x01EXT." + b"payload" + b"\0\0\3"
    packet = parse_rtp(data)
    assert packet is not None and packet.payload == b"payload"


@pytest.mark.parametrize("data", [b"", b"\x80" * 5, b"\x80\xc8" + bytes(20), b"\x00\x01" + bytes(20)])
def test_what_is_not_rtp_is_ignored(data: bytes) -> None:
    assert parse_rtp(data) is None


def test_a_key_press_is_the_sequence_of_rfc_4733() -> None:
    packets = event_packets("#", KeyShape(duration_ms=100, volume=10))
    events = [parse_event(packet.payload) for packet in packets]
    assert [packet.at_ms for packet in packets] == [0, 20, 40, 60, 80, 80, 80]
    assert [packet.has_marker for packet in packets] == [True] + [False] * 6
    assert [(event.duration, event.is_end) for event in events if event] == [
        (160, False), (320, False), (480, False), (640, False), (800, True), (800, True), (800, True),
    ]  # fmt: skip
    assert {(event.code, event.volume, event.digit) for event in events if event} == {(11, 10, "#")}
    assert packets[4].payload == bytes([11, 0x8A, 0x03, 0x20])


def test_odd_key_presses_can_be_made() -> None:
    assert not any(packet.payload[1] & 0x80 for packet in event_packets("1", KeyShape(end_packets=0)))
    assert sum(packet.payload[1] >> 7 for packet in event_packets("1", KeyShape(end_packets=6))) == 6
    held = event_packets("1", KeyShape(held_ms=3000, has_marker=False))
    event = parse_event(held[0].payload)
    assert event is not None and event.duration == 3020 * 8 and not held[0].has_marker
    assert [packet.is_lost for packet in event_packets("1", KeyShape(drop_packets=frozenset({0, 2})))][:3] == [
        True,
        False,
        True,
    ]


@pytest.mark.parametrize("digit", ["", "12", "x", "E"])
def test_what_is_no_key_is_refused(digit: str) -> None:
    with pytest.raises(ValueError, match="not a telephone key"):
        event_packets(digit, KeyShape())


@pytest.mark.parametrize(
    ("codec", "codes", "samples"),
    [
        ("PCMU", [0xFF, 0x7F, 0x80, 0x00, 0xFE, 0xF0], [0, 0, 32124, -32124, 8, 120]),
        ("PCMA", [0xD5, 0x55, 0xAA, 0x2A, 0xD4, 0xC5], [8, -8, 32256, -32256, 24, 264]),
    ],
)
def test_g711_decodes_known_values(codec: str, codes: list[int], samples: list[int]) -> None:
    assert decode(codec, bytes(codes)).tolist() == samples


@pytest.mark.parametrize(("codec", "silence"), [("PCMU", 0xFF), ("PCMA", 0xD5)])
def test_g711_encodes_silence_and_what_it_decoded(codec: str, silence: int) -> None:
    assert encode(codec, np.zeros(2, dtype=np.int16)) == bytes([silence] * 2)
    every_code = bytes(range(256))
    again = encode(codec, decode(codec, every_code))
    # The two zeros of mu-law are the same sample.
    different = [code for code in range(256) if again[code] != code]
    assert different == ([0x7F] if codec == "PCMU" else [])


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
def test_g711_keeps_every_sample_within_its_step(codec: str) -> None:
    samples = np.arange(-32768, 32768, dtype=np.int32)
    decoded = decode(codec, encode(codec, samples.astype(np.int16))).astype(np.int32)
    error = np.abs(decoded - samples)
    assert np.all(error[np.abs(samples) < 32000] <= np.maximum(np.abs(samples) / 16, 16)[np.abs(samples) < 32000])


def test_another_codec_is_silence_of_the_same_length() -> None:
    assert decode("G722", b"123").tolist() == [0, 0, 0]


def test_tone_level_is_that_of_its_own_frequency() -> None:
    audio = tone(440, 1.0, -20.0)
    assert tone_level_dbfs(audio, 440) == pytest.approx(-20, abs=0.05)
    assert tone_level_dbfs(audio, 1000) < -60
    assert level_dbfs(audio) == pytest.approx(-20, abs=0.05)
    assert level_dbfs(np.zeros(8, dtype=np.int16)) == level_dbfs(np.zeros(0, dtype=np.int16)) == -120


def pause(duration_s: float) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.zeros(round(duration_s * 8000), dtype=np.int16)


def test_sound_silence_and_spans_are_found_where_they_are() -> None:
    audio = np.concatenate([pause(0.3), tone(440, 0.5), pause(0.1), tone(440, 0.4), pause(0.5), tone(1000, 0.2)])
    assert first_sound_s(audio) == pytest.approx(0.3, abs=0.006)
    assert first_sound_s(audio, after_s=1.4) == pytest.approx(1.8, abs=0.006)
    assert silence_begins_s(audio, 0.4) == pytest.approx(1.3, abs=0.006)
    assert silence_begins_s(audio, 0.4, sustain_s=0.05) == pytest.approx(0.8, abs=0.006)
    assert silence_begins_s(audio, 1.35) == 1.35
    assert silence_begins_s(audio, 1.9) is None
    spans = [pytest.approx(span, abs=0.01) for span in spans_of_tone(audio, 440)]
    assert spans == [(0.3, 0.8), (0.9, 1.3)]
    assert spans_of_tone(audio, 700) == []


def test_silence_has_no_sound() -> None:
    assert first_sound_s(pause(1.0)) is None


def packet(index: int, at_s: float, payload: bytes = b"\x80" * 160, payload_type: int = 0) -> TimedPacket:
    codec = "telephone-event" if payload_type == 101 else "PCMU"
    return TimedPacket(at_s, RtpPacket(payload_type, index & 0xFFFF, index * 160, 1, payload), codec)


def test_audio_is_laid_out_by_arrival_with_gaps_as_zeros() -> None:
    packets = [packet(65535, 10.0), packet(65536, 10.023), packet(65540, 10.3)]
    audio = layout(packets, 9.9, 10.4)
    loud = np.flatnonzero(audio)
    assert len(audio) == 4000
    assert (loud[0], loud[319], loud[320], len(loud)) == (800, 1119, 3200, 480)


def test_a_packet_far_off_its_place_is_put_where_it_arrived() -> None:
    late = layout([packet(1, 0.0), packet(2, 0.12)], 0.0)
    assert np.flatnonzero(late)[160] == 960


def test_what_arrived_before_the_zero_is_cut() -> None:
    assert np.flatnonzero(layout([packet(1, 0.99)], 1.0)).tolist() == list(range(80))


def test_rtp_figures() -> None:
    stats = rtp_stats([packet(index, index * 0.02) for index in (65533, 65534, 65536, 65538)])
    assert (stats.packets, stats.lost) == (4, 2)
    assert stats.gap_max_ms == pytest.approx(40)
    assert stats.jitter_ms == pytest.approx(0, abs=1e-6)
    assert rtp_stats([]).packets == 0


def test_repeated_and_unfinished_presses_are_one_key_each() -> None:
    packets = [
        TimedPacket(at_ms / 1000, RtpPacket(101, index, start, 1, event.payload, event.has_marker), "telephone-event")
        for start, shape in ((0, KeyShape(end_packets=6)), (5000, KeyShape(end_packets=0, has_marker=False)))
        for index, event in enumerate(event_packets("5", shape))
        for at_ms in (start / 8 + event.at_ms,)
    ]
    first, second = keys_of(packets)
    assert (first.digit, first.duration_ms, first.has_end, first.has_marker, first.packets) == (
        "5",
        100,
        True,
        True,
        10,
    )
    assert (second.digit, second.duration_ms, second.has_end, second.has_marker) == ("5", 80, False, False)


def test_wav_files_read_back_and_wide_ones_are_decimated(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", tone(440, 0.5))
    assert np.array_equal(read_wav(tmp_path / "a.wav"), tone(440, 0.5))
    with wave.open(str(tmp_path / "wide.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(tone(440, 0.5, rate_hz=16000).tobytes())
    wide = read_wav(tmp_path / "wide.wav")
    assert len(wide) == 4000
    assert tone_level_dbfs(wide[200:-200], 440) == pytest.approx(-12, abs=0.3)


def test_a_stereo_file_is_no_prompt(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", tone(440, 0.1), tone(440, 0.2))
    with pytest.raises(ValueError, match="mono"):
        read_wav(tmp_path / "a.wav")
