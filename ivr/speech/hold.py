"""The built-in hold sound, for where there is no music: two soft notes and a rest, again and again: the line is up."""

from __future__ import annotations

import struct
from math import exp, pi, sin
from pathlib import Path

from ivr.speech.wav_files import write_pcm16

NOTES_HZ = (523.25, 392.0)
"""C5 and G4: far from the tones of a telephone network and from those of keys."""

_LEVEL = 10 ** (-26 / 20)
_NOTE_S, _LOOP_S, _APART_S = 1.2, 4.0, 0.6


def write_hold_sound(path: Path, sample_rate_hz: int) -> None:
    """Write one round (mono, 16-bit); its end meets its beginning in silence, so that it loops without a click."""
    samples = [0.0] * int(_LOOP_S * sample_rate_hz)
    for index, note_hz in enumerate(NOTES_HZ):
        start = int(index * _APART_S * sample_rate_hz)
        for place in range(int(_NOTE_S * sample_rate_hz)):
            samples[start + place] += _note(note_hz, place / sample_rate_hz)
    pcm = struct.pack(f"<{len(samples)}h", *(round(sample * _LEVEL * 32767) for sample in samples))
    write_pcm16(path, pcm, sample_rate_hz)


def _note(note_hz: float, at_s: float) -> float:
    """A plucked tone: it swells in 20 ms, decays, and ends in silence."""
    fade_in, fade_out = min(at_s / 0.02, 1.0), min((_NOTE_S - at_s) / 0.1, 1.0)
    return sin(2 * pi * note_hz * at_s) * exp(-3.0 * at_s) * fade_in * fade_out
