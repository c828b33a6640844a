"""The built-in hold sound: two soft notes and a rest, again and again: the line is up."""

from __future__ import annotations

import os
import struct
from math import exp, pi, sin
from pathlib import Path

from ivr.speech.wav_files import is_whole_wav, write_pcm16

NOTES_HZ = (523.25, 392.0)
"""C5 and G4: far from the tones of a telephone network and from those of keys."""

_LEVEL = 10 ** (-26 / 20)
_NOTE_S, _LOOP_S, _APART_S = 1.2, 4.0, 0.6


_FORMAT = 2  # part of the file's name: raise it when the sound changes


def hold_sound(folder: Path, sample_rate_hz: int) -> Path:
    """The file in `folder`, made at the first time. Raises MediaFailed, OSError."""
    path = folder / f"hold-{_FORMAT}-{sample_rate_hz}.wav"
    if not is_whole_wav(path):
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}.tmp")  # other workers may play the file meanwhile
        write_hold_sound(unfinished, sample_rate_hz)
        unfinished.replace(path)
    return path


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
