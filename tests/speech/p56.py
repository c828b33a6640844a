"""Active speech level by ITU-T P.56 (03/2011), method B: a measure of loudness that shares nothing with the bot's."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

TIME_CONSTANT_S: Final = 0.03
HANGOVER_S: Final = 0.2
MARGIN_DB: Final = 15.9
_FAINTEST_DB: Final = -96


def active_level_dbov(samples: npt.NDArray[np.int16], rate_hz: int = 8000) -> float:
    """Level of speech while it is active; 0 is the power of a full-scale square wave."""
    scaled = samples.astype(np.float64) / 32768
    power, envelope = float(np.sum(scaled**2)), _envelope(scaled, rate_hz)
    hangover, before = round(HANGOVER_S * rate_hz), (0.0, 0.0)
    for threshold_db in range(_FAINTEST_DB, 1):
        active = _held(envelope >= 10 ** (threshold_db / 20), hangover)
        level_db = 10 * np.log10(power / active) if active else np.inf
        above_db = level_db - threshold_db
        if above_db <= MARGIN_DB:
            share = (before[1] - MARGIN_DB) / (before[1] - above_db)
            return float(before[0] + share * (level_db - before[0]))
        before = level_db, above_db
    raise ValueError("there is no speech in it")


def _envelope(samples: npt.NDArray[np.float64], rate_hz: int) -> npt.NDArray[np.float64]:
    """Smoothed twice, §7.2."""
    keep = float(np.exp(-1 / (rate_hz * TIME_CONSTANT_S)))
    once = twice = 0.0
    found = np.empty(len(samples))
    for place, size in enumerate(np.abs(samples).tolist()):
        once = keep * once + (1 - keep) * size
        found[place] = twice = keep * twice + (1 - keep) * once
    return found


def _held(is_above: npt.NDArray[np.bool_], hangover: int) -> int:
    """How many samples count as active: those above the threshold, and those of the hangover behind them."""
    places = np.arange(len(is_above))
    last = np.maximum.accumulate(np.where(is_above, places, -hangover - 1))
    return int(np.count_nonzero(places - last <= hangover))
