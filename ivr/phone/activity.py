"""Whether the other side is speaking, from the level of its 20 ms frames. Pure.

level    . . # # # # . # # # . . . . . . . . . . . .
             |act may not begin         |<- quiet_s ->|has finished
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

SILENCE_DBFS: Final = -96.0
FRAME_S: Final = 0.02
_FULL_SCALE: Final = 32768.0


def level_dbfs(pcm: bytes) -> float:
    """RMS level of mono 16-bit samples relative to full scale; -96 for silence and for nothing."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32)
    power = float(np.mean(samples * samples)) if samples.size else 0.0
    return max(10 * float(np.log10(power / _FULL_SCALE**2)), SILENCE_DBFS) if power > 0 else SILENCE_DBFS


@dataclass(frozen=True, slots=True)
class Manners:
    """How long a polite caller lets the other side speak."""

    quiet_s: float = 0.7
    """Silence after which the other side has finished."""
    begin_limit_s: float = 3.0
    """A side that has said nothing for so long is not going to."""
    patience_s: float = 60.0
    """A side that never stops (music) is interrupted after this."""
    sound_dbfs: float = -45.0
    """Louder frames are sound; anything that sounds counts, music too."""
    onset_frames: int = 3
    """So many of them in a row are a beginning, fewer are a click."""


class Listener:
    """Follows the other side since our own last act; time is counted in frames."""

    def __init__(self, manners: Manners | None = None) -> None:
        self._manners = manners or Manners()
        self._elapsed_s = 0.0
        self._quiet_s = 0.0
        self._loud_frames = 0
        self._has_spoken = False

    def restart(self) -> None:
        """We have just acted: what counts is what the other side says from now on."""
        self._elapsed_s = 0.0
        self._quiet_s = 0.0
        self._loud_frames = 0
        self._has_spoken = False

    def hear(self, frame_dbfs: float) -> None:
        """Take the level of the next frame."""
        self._elapsed_s += FRAME_S
        is_loud = frame_dbfs > self._manners.sound_dbfs
        self._loud_frames = self._loud_frames + 1 if is_loud else 0
        self._quiet_s = 0.0 if is_loud else self._quiet_s + FRAME_S
        if self._loud_frames >= self._manners.onset_frames:
            self._has_spoken = True

    @property
    def has_finished(self) -> bool:
        """Whether it is our turn."""
        manners = self._manners
        if self._elapsed_s >= manners.patience_s:
            return True
        if self._has_spoken:
            return self._quiet_s >= manners.quiet_s
        return self._elapsed_s >= manners.begin_limit_s and self._loud_frames == 0
