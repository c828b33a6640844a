"""Telephone lines made for tests: prompts, echo, noise and callers on them, through G.711."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ivr.speech.pcm import level, read_wav, resample
from ivr.testing.sip_peer import g711

RATE_HZ = 8000
FRAME = 160
EN = Path(__file__).parents[1] / "data" / "speech" / "en"
COMMANDS = ("spy-agent", "vm-message", "extension", "goodbye", "do-not-disturb", "vm-password", "hello")

Line = npt.NDArray[np.float64]


@cache
def recording(name: str, dbfs: float = -20.0) -> Line:
    """A recording of a person, at a level while speaking."""
    return level(resample(read_wav(EN / f"{name}.wav"), RATE_HZ), dbfs).samples.astype(np.float64)


@cache
def recordings() -> tuple[str, ...]:
    """All of them."""
    return tuple(sorted(path.stem for path in EN.glob("*.wav")))


@cache
def _names() -> tuple[str, ...]:
    """Those of prompts: a caller says something else."""
    return tuple(name for name in recordings() if name not in COMMANDS)


def prompt(dice: random.Random, duration_s: float, parts: Sequence[Line] = ()) -> Line:
    """Recordings in any order, with short pauses."""
    pieces: list[Line] = []
    while sum(map(len, pieces)) < duration_s * RATE_HZ:
        pieces += [dice.choice(parts) if parts else recording(dice.choice(_names()))]
        pieces += [np.zeros(round(dice.uniform(0.1, 0.6) * RATE_HZ))]
    return np.concatenate(pieces)[: round(duration_s * RATE_HZ)]


def g711_line(line: Line) -> Line:
    """What is left of a signal after PCMU."""
    return g711.decode("PCMU", g711.encode("PCMU", as_int16(line))) / 32768.0


def as_int16(line: Line) -> npt.NDArray[np.int16]:
    return np.clip(line * 32768, -32768, 32767).astype(np.int16)


def noise(length: int, dbfs: float, seed: int) -> Line:
    """White noise."""
    return np.random.default_rng(seed).normal(size=length) * 10 ** (dbfs / 20)


@dataclass(frozen=True, slots=True)
class Echo:
    """How a line sends back what it is sent."""

    delay_s: float = 0.2
    loss_db: float = 15.0
    tail_s: float = 0.0
    """Of a room."""
    seed: int = 0

    def of(self, sent: Line) -> Line:
        """What comes back, as long as what was sent."""
        shape = np.ones(1)
        if self.tail_s:
            at = np.arange(round(self.tail_s * RATE_HZ))
            shape = np.random.default_rng(self.seed).normal(size=len(at)) * np.exp(-4 * at / len(at))
            shape[0] = 1.5
            shape /= np.sqrt(np.sum(shape**2))
        back = np.convolve(g711_line(sent), shape) * 10 ** (-self.loss_db / 20)
        return np.concatenate([np.zeros(round(self.delay_s * RATE_HZ)), back])[: len(sent)]


def add(line: Line, sound: Line, at_s: float) -> Line:
    """The line with a sound on it."""
    begin, mixed = round(at_s * RATE_HZ), line.copy()
    mixed[begin : begin + len(sound)] += sound[: len(line) - begin]
    return mixed


def first_sound_s(sound: Line) -> float:
    """When a recording is above -45 dBFS for the first time."""
    frames = sound[: len(sound) - len(sound) % FRAME].reshape(-1, FRAME)
    loud = np.sqrt(np.mean(frames**2, axis=1)) > 10 ** (-45 / 20)
    return int(loud.argmax()) * FRAME / RATE_HZ
