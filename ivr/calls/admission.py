"""Whether new calls are taken, by what was measured: late audio, and processors that are busy with calls. Pure.

    open ──a limit reached for `hold`──► closed ──all kept for `hold`──► open

A limit is kept again when what is measured lies clearly below it, so that one call more or less does not turn the
answer to and fro. What is measured is that of some seconds: a single stall of the machine is over before `hold` is.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from ivr.config_admission import AdmissionSettings
from ivr.immutable import immutable

MEASURE_EVERY_S: Final = 1.0
NEVER: Final = 1.0
"""A limit that is not reached."""
KEPT_LATE: Final = 0.5
"""Late audio is well again below this part of its limit."""
KEPT_CPU: Final = 0.1
"""Processors are well again when they are less busy than their limit by this share of all."""
_WINDOW_PART: Final = 0.6
"""What is measured is that of this part of `hold`."""


@immutable
class Counted:
    """What the bot has counted of itself since its start."""

    ticks: int = 0
    """Audio ticks that were looked at."""
    late_ticks: int = 0
    cpu_s: float = 0.0
    """Processor time of what leads calls."""


@immutable
class Reading:
    """Everything that is counted, at one instant."""

    at_s: float
    bot: Counted
    busy_s: float
    """Processor time that programs took which do not stand back for others."""
    all_s: float
    """Processor time that there was."""
    group_s: float = 0.0
    """Processor time of the bot's control group."""
    group_processors: float = 0.0
    """How many processors the control group may use; 0 is no limit."""


@immutable
class Load:
    """What two readings say of the time between them; shares from 0 to 1."""

    late_audio: float | None = None
    """Share of late ticks; None without any tick: there was no audio."""
    cpu: float = 0.0
    """Of the processors, or of those that the control group may use, whichever is busier."""
    own_cpu: float = 0.0
    """What the bot itself uses."""


def load_between(before: Reading, now: Reading) -> Load:
    """What happened between two readings."""
    passed_s, ticks = now.at_s - before.at_s, now.bot.ticks - before.bot.ticks
    late = (now.bot.late_ticks - before.bot.late_ticks) / ticks if ticks > 0 else None
    all_s = now.all_s - before.all_s
    if passed_s <= 0 or all_s <= 0:  # the machine does not say
        return Load(late)
    own_s, cpu = now.bot.cpu_s - before.bot.cpu_s, (now.busy_s - before.busy_s) / all_s
    if now.group_processors:
        own_all_s = now.group_processors * passed_s
        cpu, all_s = max(cpu, (now.group_s - before.group_s) / own_all_s), min(all_s, own_all_s)
    return Load(late, min(1.0, cpu), min(1.0, own_s / all_s))


class Admission:
    """Is told what was counted, once a second."""

    def __init__(self, limits: AdmissionSettings) -> None:
        self.limits = limits
        self.is_closed = False
        self.reasons: tuple[str, ...] = ()
        """Limits that are reached, `late_audio` or `cpu`, as they were with the last reading."""
        self.load = Load()
        self._readings: deque[Reading] = deque()
        self._turns_since_s: float | None = None

    def measured(self, reading: Reading) -> bool:
        """Take what was counted; whether new calls are taken from now on, or refused, other than before."""
        if self._readings:
            self.load = load_between(self._readings[0], reading)
        self._readings.append(reading)
        while len(self._readings) > max(1, round(_WINDOW_PART * self.limits.hold / MEASURE_EVERY_S)):
            self._readings.popleft()
        self.reasons = self._reached(self.load)
        if bool(self.reasons) == self.is_closed:
            self._turns_since_s = None
            return False
        if self._turns_since_s is None:
            self._turns_since_s = reading.at_s
        if reading.at_s - self._turns_since_s < self.limits.hold:
            return False
        self.is_closed, self._turns_since_s = not self.is_closed, None
        return True

    def _reached(self, load: Load) -> tuple[str, ...]:
        if not self.limits.enabled or load.own_cpu < self.limits.own_work:
            return ()
        late, cpu = self.limits.late_audio, self.limits.cpu
        part, gap = (KEPT_LATE, KEPT_CPU) if self.is_closed else (1.0, 0.0)
        is_late = load.late_audio is not None and late < NEVER and load.late_audio >= late * part
        is_busy = cpu < NEVER and load.cpu >= cpu - gap
        return (*(("late_audio",) if is_late else ()), *(("cpu",) if is_busy else ()))
