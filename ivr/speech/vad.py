"""Voice activity of 20 ms frames: webrtcvad, and a level gate over the line's own noise.

webrtcvad alone takes hum, hiss and music-like noise for speech now and then. The gate asks in addition that a frame is
clearly louder than the quietest stretch of the last second, which steady noise never is. What a turn makes of the
decisions is `ivr.flow.turn`.
"""

from __future__ import annotations

import math
import random
import warnings
from array import array
from collections import deque
from dataclasses import dataclass

import webrtcvad

with warnings.catch_warnings():
    # Numpy costs five times as much on frames that come 20 ms apart: its code is out of the cache each time.
    # On Python 3.13 the package audioop-lts takes its place.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

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
        rng = random.Random(0)
        noise = (round(rng.gauss(0, _COMFORT_NOISE_RMS)) for _ in range(self.frame_bytes // 2))
        self._comfort_noise = array("h", noise).tobytes()

    @property
    def frame_bytes(self) -> int:
        """Size of the frames that it takes."""
        return int(self._sample_rate_hz * FRAME_S) * 2

    @property
    def gate_rms(self) -> int:
        """No frame below this level (RMS, of 32768) is speech on this line now; 0 while the line is not known yet."""
        if len(self._levels) < self._settled_frames:
            return 0
        return int(_FULL_SCALE * 10 ** (self.gate_dbfs() / 20))

    def is_speech(self, frame: bytes) -> bool:
        """Whether this frame (20 ms, mono, 16-bit) holds speech."""
        level = level_dbfs(frame)
        self._levels.append(level)
        gate = self.gate_dbfs()
        audible = audioop.add(frame, self._comfort_noise, 2)
        # webrtcvad hears every frame, the gated ones too: it learns the line's noise from them.
        return bool(self._engine.is_speech(audible, self._sample_rate_hz)) and level >= gate

    def gate_dbfs(self) -> float:
        """No frame below this level is speech, as far as the line is known by now."""
        return max(self._floor_dbfs() + self._settings.margin_db, self._settings.quietest_speech_dbfs)

    def _floor_dbfs(self) -> float:
        # The mean of the three quietest frames: one dropped frame of digital silence must not open the gate to noise.
        quietest = sorted(self._levels)[:3] or [_SILENCE_DBFS]
        floor = sum(quietest) / len(quietest)
        if len(self._levels) < self._settled_frames:
            return min(floor, self._settings.first_floor_dbfs)
        return floor


def loudest_rms(pcm: bytes, frame_bytes: int) -> int:
    """Level of the loudest frame (RMS, of 32768)."""
    return max((audioop.rms(pcm[at : at + frame_bytes], 2) for at in range(0, len(pcm), frame_bytes)), default=0)


def level_dbfs(frame: bytes) -> float:
    """RMS level relative to full scale; -96 for digital silence."""
    rms = audioop.rms(frame, 2)
    return max(20 * math.log10(rms / _FULL_SCALE), _SILENCE_DBFS) if rms else _SILENCE_DBFS
