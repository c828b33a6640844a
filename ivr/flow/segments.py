"""The pieces that a prompt is made of when it is played."""

from __future__ import annotations

import re
from typing import Literal

from ivr.immutable import immutable

Rate = Literal["x-slow", "slow", "fast", "x-fast"]
"""How fast a text is spoken, beside the usual (SSML 1.1 §3.2.4, `prosody rate`)."""

Emphasis = Literal["reduced", "moderate", "strong"]
"""How much weight a text has (SSML 1.1 §3.2.2, `emphasis level`)."""


@immutable
class Speech:
    """Text to be spoken."""

    text: str
    language: str
    is_sensitive: bool = False
    """Whether it says something that must not be kept anywhere."""
    rate: Rate | None = None
    emphasis: Emphasis | None = None


@immutable
class SoundFile:
    """A recording; path relative to the project's folder, below `sounds/`."""

    path: str


HOLD_MUSIC = SoundFile("sounds/hold.wav")
"""What callers hear who are put on hold, or wait. The bot has a sound of its own where there is no such recording."""


@immutable
class Pause:
    """Silence."""

    duration_s: float


@immutable
class Tone:
    """A tone, made by the bot."""

    duration_s: float
    frequency_hz: int = 1000


BEEP = Tone(0.2)
"""After it, what the caller says is recorded."""


RECORDING_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}\.wav")
"""What a recording can be called: no path leads out of its folder."""


@immutable
class Recorded:
    """What a caller said in a `record` step; the name of a file in the folder of recordings."""

    file: str


Segment = Speech | SoundFile | Pause | Tone | Recorded

LAST_WORD_PAUSE = Pause(0.3)
"""Behind the last words of a call: a BYE overtakes what is still in the caller's jitter buffer."""
