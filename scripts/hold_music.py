"""Makes the music of the hold: `python scripts/hold_music.py sounds/hold.wav`. Computed, hence free (CC0).

Eight bars of broken chords in the telephone's band, 48 s. It begins and ends in silence, so that it can be played in a
loop, with or without a gap of a player between two rounds.
"""

from __future__ import annotations

import sys
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt

RATE_HZ = 8000
BEAT_S, BEATS = 0.75, 8
HIGHEST_HZ = 3600.0
FADE_S, REST_S = 2.5, 0.3
CHORDS = (  # MIDI notes, from below
    (53, 60, 64, 69),  # F major 7
    (57, 60, 64, 67),  # A minor 7
    (50, 57, 60, 65),  # D minor 7
    (58, 62, 65, 69),  # B flat major 7
    (55, 62, 65, 70),  # G minor 7
    (57, 60, 64, 67),  # A minor 7
    (58, 62, 65, 69),  # B flat major 7
    (60, 62, 67, 70),  # C 7 with a fourth
)
BROKEN = (0, 1, 2, 3, 2, 1, 3, 2)
"""Which note of the chord each beat plays."""
MELODY = {0: 72, 3: 76, 8: 79, 12: 76, 16: 77, 20: 72, 24: 74, 29: 77, 32: 79, 36: 77, 40: 76, 45: 72, 48: 74, 56: 72}
"""Beat to a note above."""
PARTIALS = ((1.0, 1.0, 1.0), (2.0, 0.35, 1.6), (3.0, 0.12, 2.4), (4.0, 0.05, 3.5))
"""Multiple of the note, strength, how much faster it decays."""
PEAK = 0.35

Samples = npt.NDArray[np.float64]


def note(midi: int, length_s: float, decay_per_s: float) -> Samples:
    """A soft plucked tone that ends in silence."""
    at_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    hz = 440.0 * 2 ** ((midi - 69) / 12)
    tone = sum(
        strength * np.sin(2 * np.pi * hz * multiple * at_s) * np.exp(-decay_per_s * faster * at_s)
        for multiple, strength, faster in PARTIALS
        if hz * multiple < HIGHEST_HZ
    )
    rounded = np.minimum(at_s / 0.03, 1.0) * np.minimum((length_s - at_s) / 0.5, 1.0)
    return np.asarray(tone * rounded, dtype=np.float64)


def music() -> Samples:
    """One round."""
    loop = np.zeros(round(len(CHORDS) * BEATS * BEAT_S * RATE_HZ))
    for bar, chord in enumerate(CHORDS):
        _add(loop, bar * BEATS, note(chord[0], 6.0, 0.5) * 0.5)
        for beat, place in enumerate(BROKEN):
            _add(loop, bar * BEATS + beat, note(chord[place] + 12, 4.0, 1.3) * 0.5)
    for beat, midi in MELODY.items():
        _add(loop, beat, note(midi + 12, 5.0, 0.9) * 0.4)
    return loop * _ends_in_silence(len(loop)) * (PEAK / np.abs(loop).max())


def _add(loop: Samples, beat: int, tone: Samples) -> None:
    start = round(beat * BEAT_S * RATE_HZ)
    loop[start : start + len(tone)] += tone[: len(loop) - start]


def _ends_in_silence(count: int) -> Samples:
    left_s = (count - 1 - np.arange(count)) / RATE_HZ
    return np.asarray(np.sin(np.pi / 2 * np.clip((left_s - REST_S) / FADE_S, 0.0, 1.0)) ** 2)


def main() -> None:
    """Write the file."""
    with wave.open(str(Path(sys.argv[1])), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((music() * 32767).round().astype("<i2").tobytes())


if __name__ == "__main__":
    main()
