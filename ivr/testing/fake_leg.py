"""What the telephony in memory knows of its legs, and of what it was asked for."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ivr.ports import AudioSink
from ivr.testing.clock import ManualTimer

OK: Final = 200
REQUEST_TERMINATED: Final = 487


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of a method of the port."""

    name: str
    leg_id: str
    details: tuple[Any, ...] = ()


@dataclass(slots=True)
class FakeLeg:
    """One leg, as the fake knows it."""

    is_incoming: bool
    is_answered: bool = False
    has_audio: bool = False
    """Answered, or with early media."""
    play_id: str = ""
    play_s: float | None = None
    """How long what plays takes; None for a loop."""
    play_timer: ManualTimer | None = None
    sink: AudioSink | None = None
    joined: str = ""


def wav_length_s(file: Path) -> float:
    """Length of a WAV file."""
    with wave.open(str(file)) as opened:
        return float(opened.getnframes() / opened.getframerate())


def status_of_end(leg: FakeLeg, *, refused_with: int) -> int:
    """Final status of the INVITE of a leg that is ended now."""
    if leg.is_answered:
        return OK
    return refused_with if leg.is_incoming else REQUEST_TERMINATED
