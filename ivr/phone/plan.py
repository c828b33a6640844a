"""What a call is made with and what it is to be. Plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ivr.phone.activity import Manners
from ivr.phone.ports import PhoneTelephony
from ivr.phone.script import Act
from ivr.ports import DtmfMethod, PromptStore, Recognizer


@dataclass(frozen=True, slots=True)
class PhoneParts:
    """What the machine offers."""

    telephony: PhoneTelephony
    recognizer: Recognizer | None
    prompts: PromptStore | None
    """None where there is no synthesizer."""
    language: str


@dataclass(frozen=True, slots=True)
class CallPlan:
    """What the call is to be."""

    script: tuple[Act, ...] = ()
    files: dict[Path, Path] = field(default_factory=dict)
    """Recordings of the script to what the telephony can play."""
    duration_s: float | None = None
    """From answer to our hanging up; None leaves that to the other side."""
    method: DtmfMethod = DtmfMethod.RFC4733
    manners: Manners = field(default_factory=Manners)
