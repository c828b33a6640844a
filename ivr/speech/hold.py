"""The built-in hold sound: two soft notes and a rest, again and again: the line is up."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ivr.speech.pcm import Audio, write_wav

NOTES_HZ = (523.25, 392.0)
"""C5 and G4: far from the tones of a telephone network and from those of keys."""

_LEVEL = 10 ** (-26 / 20)
_NOTE_S, _LOOP_S = 1.2, 4.0


def write_hold_sound(path: Path, sample_rate_hz: int) -> None:
    """Write one round (mono, 16-bit); its end meets its beginning in silence, so that it loops without a click."""
    samples = np.zeros(int(_LOOP_S * sample_rate_hz))
    for index, note_hz in enumerate(NOTES_HZ):
        at_s = np.arange(int(_NOTE_S * sample_rate_hz)) / sample_rate_hz
        note = np.sin(2 * np.pi * note_hz * at_s) * np.exp(-3.0 * at_s) * np.minimum(at_s / 0.02, 1) * _fade_out(at_s)
        start = int(index * 0.6 * sample_rate_hz)
        samples[start : start + note.size] += note
    path.parent.mkdir(parents=True, exist_ok=True)
    write_wav(path, Audio((samples * _LEVEL).astype(np.float32), sample_rate_hz))


def _fade_out(at_s: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.clip((_NOTE_S - at_s) / 0.1, 0, 1)
