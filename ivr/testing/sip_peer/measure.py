"""Levels, tones and instants in recorded audio. Pure numpy.

0 dBFS is a full-scale sine (AES17), for levels and tones alike; silence is -120 dBFS. Times are seconds from sample 0.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ivr.testing.sip_peer.g711 import Pcm

FLOOR_DBFS: Final = -120.0
RATE_HZ: Final = 8000
_FULL_SCALE: Final = 32768.0
_STEP_S: Final = 0.005
Floats = NDArray[np.float64]


def _dbfs(amplitude: Floats) -> Floats:
    """Amplitudes of sines, 1.0 = full scale, in dBFS."""
    return np.asarray(np.maximum(20 * np.log10(np.maximum(amplitude, 1e-9)), FLOOR_DBFS), dtype=np.float64)


def level_dbfs(audio: Pcm) -> float:
    """RMS level of the whole array."""
    if not len(audio):
        return FLOOR_DBFS
    rms = np.sqrt(np.mean(np.square(audio.astype(np.float64) / _FULL_SCALE)))
    return float(_dbfs(np.array([rms * np.sqrt(2)]))[0])


def tone_level_dbfs(audio: Pcm, hz: float, rate_hz: int = RATE_HZ) -> float:
    """Level of one frequency over the whole array: what a Goertzel filter gives, computed as one term of the DFT."""
    if not len(audio):
        return FLOOR_DBFS
    return float(_dbfs(_tone_amplitudes(audio.astype(np.float64)[None, :] / _FULL_SCALE, hz, rate_hz))[0])


def _tone_amplitudes(windows: Floats, hz: float, rate_hz: int) -> Floats:
    count = windows.shape[1]
    turn = np.exp(-2j * np.pi * hz / rate_hz * np.arange(count))
    return np.asarray(2 * np.abs(windows @ turn) / count, dtype=np.float64)


def _block_levels(audio: Pcm, rate_hz: int) -> Floats:
    """Level of each 5 ms block."""
    size = round(rate_hz * _STEP_S)
    blocks = audio[: len(audio) // size * size].reshape(-1, size).astype(np.float64) / _FULL_SCALE
    return _dbfs(np.sqrt(2 * np.mean(np.square(blocks), axis=1)))


def first_sound_s(
    audio: Pcm,
    threshold_dbfs: float = -45.0,
    *,
    after_s: float = 0.0,
    sustain_s: float = 0.02,
    rate_hz: int = RATE_HZ,
) -> float | None:
    """When audio first stays above the threshold for `sustain_s`, not before `after_s`; None if never."""
    loud = _block_levels(audio, rate_hz) > threshold_dbfs
    start = _first_run(loud, _block_at(after_s), max(1, round(sustain_s / _STEP_S)))
    return None if start is None else start * _STEP_S


def silence_begins_s(
    audio: Pcm,
    after_s: float,
    threshold_dbfs: float = -45.0,
    *,
    sustain_s: float = 0.2,
    rate_hz: int = RATE_HZ,
) -> float | None:
    """When audio first stays below the threshold for `sustain_s`, not before `after_s`; resolution 5 ms.

    `after_s` itself is returned if it is silent there. None if it never falls silent for that long.
    """
    quiet = _block_levels(audio, rate_hz) <= threshold_dbfs
    first = _block_at(after_s)
    start = _first_run(quiet, first, max(1, round(sustain_s / _STEP_S)))
    if start is None:
        return None
    return after_s if start == first else start * _STEP_S


def _block_at(instant_s: float) -> int:
    """The first block that begins at the instant or later."""
    return max(0, int(np.ceil(round(instant_s / _STEP_S, 6))))


def _first_run(flags: NDArray[np.bool_], first: int, count: int) -> int | None:
    """Where `count` true flags in a row begin."""
    run = 0
    for index in range(first, len(flags)):
        run = run + 1 if flags[index] else 0
        if run == count:
            return index - count + 1
    return None


def spans_of_tone(
    audio: Pcm,
    hz: float,
    *,
    min_level_dbfs: float = -40.0,
    purity: float = 0.5,
    bridge_s: float = 0.04,
    min_span_s: float = 0.04,
    rate_hz: int = RATE_HZ,
) -> list[tuple[float, float]]:
    """Where a tone is heard, as (start_s, end_s); resolution about 10 ms.

    Windows of 40 ms every 5 ms count if the tone is loud enough and carries at least `purity` of their power.
    Interruptions up to `bridge_s` are bridged; spans shorter than `min_span_s` are left out.
    """
    size, step = round(rate_hz * 0.04), round(rate_hz * _STEP_S)
    if len(audio) < size:
        return []
    scaled = audio.astype(np.float64) / _FULL_SCALE
    windows = np.lib.stride_tricks.sliding_window_view(scaled, size)[::step]
    tone = _tone_amplitudes(windows, hz, rate_hz)
    total = 2 * np.mean(np.square(windows), axis=1)
    heard = (_dbfs(tone) >= min_level_dbfs) & (np.square(tone) >= purity * total)
    # A window that is half full of the tone is the edge, and that is its middle.
    middles = [int(index) * _STEP_S + 0.02 for index in np.flatnonzero(heard)]
    spans = _joined(middles, bridge_s + _STEP_S)
    return [(start, end) for start, end in spans if end - start >= min_span_s]


def _joined(instants: list[float], bridge_s: float) -> list[tuple[float, float]]:
    spans: list[tuple[float, float]] = []
    for instant in instants:
        if spans and instant - spans[-1][1] <= bridge_s:
            spans[-1] = (spans[-1][0], instant)
        else:
            spans.append((instant, instant))
    return spans


def tone(hz: float, duration_s: float, level_dbfs: float = -12.0, rate_hz: int = RATE_HZ) -> Pcm:
    """A sine, to send."""
    amplitude = _FULL_SCALE * 10 ** (level_dbfs / 20)
    phase = 2 * np.pi * hz / rate_hz * np.arange(round(duration_s * rate_hz))
    samples: Pcm = np.clip(np.round(amplitude * np.sin(phase)), -32768, 32767).astype(np.int16)
    return samples
