"""Voice activity of 20 ms frames: webrtcvad, and a level gate over the line's own noise.

webrtcvad alone takes hum, hiss and music-like noise for speech now and then. The gate asks in addition that a frame is
clearly louder than the quietest stretch of the last second, which steady noise never is. What a turn makes of the
decisions is `ivr.flow.turn`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import webrtcvad

FRAME_S = 0.02
_FULL_SCALE = 32768.0
_SILENCE_DBFS = -96.0
_COMFORT_NOISE_RMS = 6.0  # of 32768


@dataclass(frozen=True, slots=True)
class VadSettings:
    """How eager the detector is."""

    aggressiveness: int = 1
    """Of webrtcvad: 0 takes most for speech, 3 least."""
    margin_db: float = 6.0
    """A speech frame is this much louder than the noise floor."""
    quietest_speech_dbfs: float = -55.0
    """Nothing below this level is speech."""
    floor_window_s: float = 1.0
    """The noise floor is the quietest moment of this stretch."""
    first_floor_dbfs: float = -45.0
    """Highest floor believed before a whole `settle_s` was heard: a caller may be speaking from the first frame on."""
    settle_s: float = 0.3


class VoiceActivityDetector:
    """Decides frame by frame; keeps the noise floor of one line."""

    def __init__(self, sample_rate_hz: int, settings: VadSettings | None = None) -> None:
        """`sample_rate_hz` is 8000 or 16000."""
        self._settings = settings or VadSettings()
        self._sample_rate_hz = sample_rate_hz
        self._engine = webrtcvad.Vad(self._settings.aggressiveness)
        self._levels: deque[float] = deque(maxlen=round(self._settings.floor_window_s / FRAME_S))
        self._settled_frames = round(self._settings.settle_s / FRAME_S)
        # webrtcvad does not adapt to digital silence, and then overhears quiet speech that follows it: a faint fixed
        # noise (-75 dBFS) keeps its own estimate alive.
        noise = np.random.default_rng(0).standard_normal(self.frame_bytes // 2) * _COMFORT_NOISE_RMS
        self._comfort_noise = noise.astype(np.int16)

    @property
    def frame_bytes(self) -> int:
        """Size of the frames that it takes."""
        return int(self._sample_rate_hz * FRAME_S) * 2

    def is_speech(self, frame: bytes) -> bool:
        """Whether this frame (20 ms, mono, 16-bit) holds speech."""
        level = level_dbfs(frame)
        self._levels.append(level)
        gate = max(self._floor_dbfs() + self._settings.margin_db, self._settings.quietest_speech_dbfs)
        samples = np.frombuffer(frame, dtype="<i2").astype(np.int32) + self._comfort_noise
        audible = np.clip(samples, -32768, 32767).astype("<i2").tobytes()
        # webrtcvad hears every frame, the gated ones too: it learns the line's noise from them.
        return bool(self._engine.is_speech(audible, self._sample_rate_hz)) and level >= gate

    def _floor_dbfs(self) -> float:
        # The mean of the three quietest frames: one dropped frame of digital silence must not open the gate to noise.
        quietest = sorted(self._levels)[:3]
        floor = sum(quietest) / len(quietest)
        if len(self._levels) < self._settled_frames:
            return min(floor, self._settings.first_floor_dbfs)
        return floor


def level_dbfs(frame: bytes) -> float:
    """RMS level relative to full scale; -96 for digital silence."""
    samples = np.frombuffer(frame, dtype="<i2").astype(np.float32)
    power = float(np.mean(samples * samples)) if samples.size else 0.0
    return max(10 * float(np.log10(power / _FULL_SCALE**2)), _SILENCE_DBFS) if power > 0 else _SILENCE_DBFS
