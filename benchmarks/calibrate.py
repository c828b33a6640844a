"""`python -m benchmarks.calibrate`: fit `confidence.json` of the embedded model, and tell how true it is of people.

Fitted on synthesized callers only; recordings of people are for the test.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Annotated, NamedTuple

import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from benchmarks.spoken import COMMANDS, DIGITS, OWN, SHARED, Spoken, human_digits, on_the_line, synthesized, transcribed
from ivr.speech.calibration import FILE, ConfidenceMap
from ivr.speech.decoding import mean_confidence
from ivr.speech.model_store import EMBEDDED_DIR
from ivr.speech.vosk_recognizer import VoskRecognizer

MODEL = EMBEDDED_DIR / "vosk-model-ivr-en-8k-test"
Judged = tuple[float, bool]
"""A confidence, and whether the words were right."""

VOICES = (
    "en-gb+f1", "en-gb+m4", "en-gb-scotland+f3", "en-gb-scotland+m8", "en-gb-x-rp+f5", "en-gb-x-rp+m2", "en-029+m5",
    "en-029+f4", "en-us+f2", "en-us+m6", "en-us+linda", "en-us+steph", "en-us+max", "en-us+victor",
)  # fmt: skip
RATIOS_DB = (None, 10.0, 5.0, 2.0, -1.0)
LOSSES = (0.0, 0.02)
EDGES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97, 0.995)
LEAST = 25
"""Utterances that a point stands for, at least."""


def judged(recognizer: VoskRecognizer, spoken: Iterable[Spoken], seed: int) -> Iterator[Judged]:
    """Each utterance with every noise and loss, heard in its list; those that are heard as no word are left out."""
    for number, entry in enumerate(spoken):
        words = DIGITS if entry.text in DIGITS else COMMANDS
        for place, (ratio_db, loss) in enumerate((ratio, loss) for ratio in RATIOS_DB for loss in LOSSES):
            heard_audio = on_the_line(entry, ratio_db, loss, seed + number * 100 + place).audio
            heard = recognizer.transcribe(heard_audio.tobytes(), 8000, "en", words)
            if raw := mean_confidence(heard.words):
                yield raw, heard.text == entry.text


class Pool(NamedTuple):
    """Utterances of about the same confidence."""

    size: int
    raw: float
    """Their mean confidence."""
    right: float
    """The share of them that is right."""


def fit(entries: Sequence[Judged]) -> ConfidenceMap:
    """The line through the shares of bins, joined where a share would fall (pool adjacent violators)."""
    pools: list[Pool] = []
    for group in _groups(entries):
        count, right = len(group), sum(is_right for _, is_right in group)
        pools.append(Pool(count, sum(raw for raw, _ in group) / count, (right + 0.5) / (count + 1)))
        while len(pools) > 1 and pools[-2].right > pools[-1].right:
            pools.append(_joined(pools.pop(), pools.pop()))
    inner = [(round(pool.raw, 3), round(pool.right, 3)) for pool in pools if 0.0 < round(pool.raw, 3) < 1.0]
    return ConfidenceMap(((0.0, 0.0), *inner, (1.0, round(pools[-1].right, 3))))


def _groups(entries: Sequence[Judged]) -> Iterator[list[Judged]]:
    """Bins in rising order, each with the next ones until there is enough in it."""
    group: list[Judged] = []
    for low, high in pairwise((0.0, *EDGES, 2.0)):
        group += [entry for entry in entries if low <= entry[0] < high]
        if len(group) >= LEAST:
            yield group
            group = []
    if group:
        yield group


def _joined(one: Pool, two: Pool) -> Pool:
    count = one.size + two.size
    return Pool(
        count,
        (one.size * one.raw + two.size * two.raw) / count,
        (one.size * one.right + two.size * two.right) / count,
    )


def calibration_error(entries: Sequence[Judged], bins: int = 10) -> float:
    """Expected calibration error: mean distance of confidence and share right over bins, by their size."""
    places = np.array([min(int(confidence * bins), bins - 1) for confidence, _ in entries])
    confidence, right = (np.array([float(entry[part]) for entry in entries]) for part in (0, 1))
    gaps = [abs(float(np.sum(confidence[places == bin_] - right[places == bin_]))) for bin_ in range(bins)]
    return sum(gaps) / len(entries)


def people() -> list[Spoken]:
    """Recordings of people: digits where they are there, and the words of menus."""
    return human_digits() + transcribed(SHARED / "en" if SHARED.is_dir() else OWN, (*DIGITS, *COMMANDS))


def main(
    write: Annotated[bool, typer.Option(help="Replace the model's file by what was fitted.")] = False,
    voices: Annotated[int, typer.Option(help="Fit on so many voices.")] = len(VOICES),
) -> None:
    """Fit on synthesized callers, test on recordings of people."""
    console = Console()
    recognizer = VoskRecognizer({"en": MODEL})
    said = track(list(synthesized((*DIGITS, *COMMANDS), VOICES[:voices])), "synthesized callers", console=console)
    fitted = fit(list(judged(recognizer, said, 1)))
    console.print("points", fitted.points)
    human = list(judged(recognizer, track(people(), "people", console=console), 2))
    for name, entries in (("before", human), ("after", [(fitted(raw), right) for raw, right in human])):
        console.print(f"{name}: expected calibration error {calibration_error(entries):.3f}, n={len(entries)}")
        _print_bins(entries, console)
    if write:
        (MODEL / FILE).write_text(_as_json(fitted))
    recognizer.close()


def _as_json(fitted: ConfidenceMap) -> str:
    made = "python -m benchmarks.calibrate --write: synthesized callers, noise, G.711; see docs/speech.md"
    return f'{{\n  "made_by": {json.dumps(made)},\n  "points": {json.dumps(fitted.points)}\n}}\n'


def _print_bins(entries: Sequence[Judged], console: Console) -> None:
    for low, high in pairwise((0.0, *EDGES, 2.0)):
        group = [entry for entry in entries if low <= entry[0] < high]
        if group:
            mean, right = (sum(entry[part] for entry in group) / len(group) for part in (0, 1))
            console.print(f"  {low:.3f} to {min(high, 1):.3f}: n={len(group)}, mean {mean:.2f}, right {right:.2f}")


if __name__ == "__main__":
    typer.run(main)
