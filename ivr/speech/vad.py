"""Voice activity of 20 ms frames: a level gate over the line's own noise, webrtcvad, and a network that knows speech.

Each asks less often than the one before, and costs more:

- The gate asks that a frame is clearly louder than the quietest stretch of the last second: steady noise never is.
- webrtcvad looks at its spectrum. It takes hum, tones, music and noise that changes for speech.
- The network (`ivr.speech.speech_net`) does not. It hears only what passed the gate: a quiet line costs nothing. It has
  not heard enough of the first `patience_frames` of a sound: for them webrtcvad is believed, too few to begin a turn.

What a turn makes of the decisions is `ivr.flow.turn`.
"""

from __future__ import annotations

import math
import random
import warnings
from array import array
from collections import deque
from dataclasses import dataclass
from typing import Any

import webrtcvad

with warnings.catch_warnings():
    # Numpy costs five times as much on frames that come 20 ms apart: its code is out of the cache each time.
    # On Python 3.13 the package audioop-lts takes its place.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

FRAME_S = 0.02
_FULL_SCALE = 32768.0
_SILENCE_DBFS = -96.0
_MOST_OWED_FRAMES = 3
_OFFSET_SPEED = 0.1
_LEAST_OFFSET = 64.0
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
    has_network: bool = True
    speech_from: float = 0.5
    """Probability from which the network's word is speech,"""
    speech_until: float = 0.35
    """and below which it no longer is."""
    certain_from: float = 0.7
    """What never was as probable as this in a whole turn was no speech."""
    steady_within_db: float = 1.5
    """What is as loud behind a turn as in it, to this, was no speech: somebody who has spoken is silent."""
    steady_frames: int = 10
    """So much of it must have been heard behind the turn."""
    patience_frames: int = 5
    lead_frames: int = 6
    """Frames before a sound that the network hears as well."""
    forgets_after_frames: int = 50
    """After so many frames below the gate the next sound is a new one."""


class VoiceActivityDetector:
    """Decides frame by frame; keeps the noise floor of one line."""

    def __init__(self, sample_rate_hz: int, settings: VadSettings | None = None) -> None:
        """`sample_rate_hz` is 8000 or 16000."""
        self._settings = settings or VadSettings()
        self._sample_rate_hz = sample_rate_hz
        self._engine = webrtcvad.Vad(self._settings.aggressiveness)
        self._levels: deque[float] = deque(maxlen=round(self._settings.floor_window_s / FRAME_S))
        self._network = SpeechFrames(self._settings, sample_rate_hz) if self._settings.has_network else None
        self._turn_levels = TurnLevels()
        self._offset: float | None = None
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

    def is_speech(self, frame: bytes, *, may_be_caller: bool = True) -> bool:
        """Whether this frame (20 ms, mono, 16-bit) holds speech of a caller."""
        frame = self._without_offset(frame)
        level = level_dbfs(frame)
        self._levels.append(level)
        gate = self.gate_dbfs()
        audible = audioop.add(frame, self._comfort_noise, 2)
        # webrtcvad hears every frame, the gated ones too: it learns the line's noise from them.
        is_likely = bool(self._engine.is_speech(audible, self._sample_rate_hz))
        is_loud = may_be_caller and level >= gate
        is_speech = is_likely and is_loud
        if self._network is not None:
            is_speech = self._network.is_speech(frame, is_loud, is_likely)
        self._turn_levels.take(level, is_speech, may_be_caller)
        return is_speech

    def was_certain(self) -> bool:
        """Whether what was taken for speech since the last time that this was asked was speech for certain."""
        is_steady = self._turn_levels.take_is_steady(self._settings)
        is_like_speech = self._network is None or self._network.take_most() >= self._settings.certain_from
        return is_like_speech and not is_steady

    def _without_offset(self, frame: bytes) -> bytes:
        """A constant part, which some gateways add, would hide speech from the gate and the network."""
        mean = audioop.avg(frame, 2)
        self._offset = mean if self._offset is None else self._offset + _OFFSET_SPEED * (mean - self._offset)
        return audioop.bias(frame, 2, -round(self._offset)) if abs(self._offset) > _LEAST_OFFSET else frame

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


class TurnLevels:
    """How loud a turn was, and what came behind it.

    A buzz (mains, a telephone's transmitter) can be taken for a voice until the gate has learnt it as the line's noise.
    That it goes on then tells it from one.
    """

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._power, self._count = 0.0, 0
        self._power_behind, self._count_behind = 0.0, 0

    def take(self, level: float, is_speech: bool, may_be_caller: bool) -> None:
        """A frame's level, and what it was taken for."""
        power = 10 ** (level / 10)
        if is_speech:
            self._power, self._count = self._power + power, self._count + 1
            self._power_behind, self._count_behind = 0.0, 0
        elif may_be_caller:
            self._power_behind, self._count_behind = self._power_behind + power, self._count_behind + 1

    def take_is_steady(self, settings: VadSettings) -> bool:
        """Whether the sound of the turn goes on; the next frame is of another turn."""
        power, count, behind, count_behind = self._power, self._count, self._power_behind, self._count_behind
        self._forget()
        if not count or count_behind < settings.steady_frames:
            return False
        return abs(10 * math.log10((behind / count_behind) / (power / count))) <= settings.steady_within_db


class SpeechFrames:
    """What the network says of the frames of one line that pass the gate."""

    def __init__(self, settings: VadSettings, sample_rate_hz: int) -> None:
        from ivr.speech.speech_net import BLOCK, SpeechNet  # numpy: not in workers that only take messages

        self._settings, self._rate_hz = settings, sample_rate_hz
        self._net, self._block_bytes = SpeechNet(), BLOCK * 2
        self._lead: deque[bytes] = deque(maxlen=settings.lead_frames)
        self._rest = b""
        self._resampled: Any = None  # the state of audioop.ratecv
        self._is_speech = self._was_speech = False
        self._owed_frames, self._most = 0, 0.0
        self._quiet_frames, self._heard_frames = settings.forgets_after_frames, 0

    def is_speech(self, frame: bytes, is_loud: bool, is_likely: bool) -> bool:
        """Judge a frame, given what gate and webrtcvad say of it."""
        if not is_loud:
            self._quiet_frames += 1
            self._lead.append(frame)
            return self._makes_up()
        if self._quiet_frames >= self._settings.forgets_after_frames:
            self._begin()
        self._quiet_frames = 0
        for before in self._lead:
            self._hear(before)
        self._lead.clear()
        self._hear(frame)
        self._heard_frames += 1
        if self._is_speech or (is_likely and self._heard_frames <= self._settings.patience_frames):
            return True
        self._owed_frames += is_likely and not self._was_speech
        return self._makes_up()

    def _makes_up(self) -> bool:
        """Short words are half over when the network is sure: as many frames count behind them as did not before."""
        if not self._was_speech or not self._owed_frames:
            return False
        self._owed_frames -= 1
        return True

    def take_most(self) -> float:
        """The highest probability since the last time."""
        most, self._most = self._most, 0.0
        return most

    def _begin(self) -> None:
        self._net.reset()
        self._rest, self._is_speech, self._heard_frames = b"", False, 0
        self._was_speech, self._owed_frames = False, 0

    def _hear(self, frame: bytes) -> None:
        if self._rate_hz != 8000:
            frame, self._resampled = audioop.ratecv(frame, 2, 1, self._rate_hz, 8000, self._resampled)
        self._rest += frame
        while len(self._rest) >= self._block_bytes:
            sure = self._net.probability(self._rest[: self._block_bytes])
            self._rest = self._rest[self._block_bytes :]
            self._is_speech = sure >= (self._settings.speech_until if self._is_speech else self._settings.speech_from)
            self._most = max(self._most, sure)
            self._was_speech |= self._is_speech
            self._owed_frames = min(self._owed_frames, _MOST_OWED_FRAMES)


def loudest_rms(pcm: bytes, frame_bytes: int) -> int:
    """Level of the loudest frame (RMS, of 32768)."""
    return max((audioop.rms(pcm[at : at + frame_bytes], 2) for at in range(0, len(pcm), frame_bytes)), default=0)


def level_dbfs(frame: bytes) -> float:
    """RMS level relative to full scale; -96 for digital silence."""
    rms = audioop.rms(frame, 2)
    return max(20 * math.log10(rms / _FULL_SCALE), _SILENCE_DBFS) if rms else _SILENCE_DBFS
