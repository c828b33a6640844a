"""When the audio clock's ticks are due, and whether it keeps its time: all audio of a process is sent in its ticks.

Pure: what time it is comes in as an argument.
"""

from __future__ import annotations

from typing import Final

from ivr.ports import Measures, NoMeasures, metrics

TICK_S: Final = 0.02
"""A packet's worth of audio."""
LATE_S: Final = 0.02
"""A packet later than its time; a telephone's buffer makes up for less."""
_STOP_S: Final = 0.5
"""Ticks that are not further behind are made up for, so that no audio is lost; others are left out."""
_MEASURED_EVERY: Final = 10
"""Ticks: all are counted, of some the delay goes into the histogram, which is more work than all else here."""


class AudioTicks:
    """Counts ticks, and those that came too late; measures how late. Counters only grow; any thread may read them."""

    def __init__(self, measures: Measures | None = None) -> None:
        self.count = 0
        self.late = 0
        self.due_s = 0.0
        """When the next one is due."""
        self._measures = measures or NoMeasures()

    def restart(self, now_s: float) -> None:
        """The clock begins anew."""
        self.due_s = now_s + TICK_S

    def tick(self, now_s: float) -> None:
        """A tick has come."""
        behind_s = now_s - self.due_s
        self.count += 1
        self.due_s += TICK_S
        if behind_s > LATE_S:
            self.late += 1
            if behind_s > _STOP_S:
                self.restart(now_s)
        if self.count % _MEASURED_EVERY == 1:
            self._measures.observe(metrics.AUDIO_TICK_DELAY, max(0.0, behind_s))
