"""How much of what callers say is understood: by a bot in real calls, by the engine alone, and with confirmation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.callers import Lateness
from benchmarks.heard_calls import Reading, TappedBot, say_all, tapped_bot
from benchmarks.speech_cost import MODEL
from benchmarks.speech_rows import Row
from benchmarks.spoken import (
    COMMANDS,
    DIGITS,
    OWN,
    SHARED,
    Spoken,
    human_digits,
    on_the_line,
    synthesized,
    transcribed,
    with_noise,
)  # fmt: skip
from ivr.flow.parts import Confidence
from ivr.speech.decoding import Heard
from ivr.speech.vosk_recognizer import VoskRecognizer

RATIOS_DB: tuple[float | None, ...] = (None, 10.0, 5.0)
"""Speech above noise; None adds none."""
LOSSES = (0.0, 0.02)
GERMAN_MODEL = SHARED.parent / "models" / "vosk-model-ivr-de-8k-test"
Progress = Callable[[str, int], Callable[[], None]]
"""Begins a bar of so many steps; what it returns is called with each."""


@dataclass(frozen=True, slots=True)
class Heading:
    """What a row is about."""

    name: str
    loss: float
    note: str = ""


def word_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Words put in, left out or changed (Levenshtein distance)."""
    costs = list(range(len(heard) + 1))
    for row, word in enumerate(said, 1):
        diagonal, costs[0] = costs[0], row
        for column, other in enumerate(heard, 1):
            diagonal, costs[column] = (
                costs[column],
                min(costs[column] + 1, costs[column - 1] + 1, diagonal + (word != other)),
            )
    return costs[-1]


def word_share(pairs: Sequence[tuple[str, str]]) -> float:
    """Share in percent of said words that are understood; pairs of said and heard."""
    errors = sum(word_errors(said.split(), heard.split()) for said, heard in pairs)
    return 100 * max(0.0, 1 - errors / max(1, sum(len(said.split()) for said, _ in pairs)))


def is_right_in_the_end(reading: Reading, bands: Confidence) -> bool:
    """Whether it is right as taken, or as confirmed: read back and right, or the second best read back then."""
    said, text = reading.spoken.text, reading.text
    if reading.confidence >= bands.accept:
        return text == said
    if reading.confidence < bands.reject:
        return False
    others = [other for other, _ in reading.n_best if other and "[unk]" not in other and other != text]
    return said in (text, *others[:1])


def is_taken_wrongly(reading: Reading, bands: Confidence) -> bool:
    """Whether something else than was said is taken unasked."""
    is_word = bool(reading.text) and "[unk]" not in reading.text
    return is_word and reading.confidence >= bands.accept and reading.text != reading.spoken.text


def row_of(heading: Heading, readings: Sequence[Reading], raw: Sequence[Heard]) -> Row:
    """The figures of one kind of callers; shares in percent."""
    bands, count = Confidence(), len(readings)
    right = 100 * sum(reading.text == reading.spoken.text for reading in readings) / count
    confirmed = 100 * sum(is_right_in_the_end(reading, bands) for reading in readings) / count
    wrong = 100 * sum(is_taken_wrongly(reading, bands) for reading in readings) / count
    alone = 100 * sum(heard.text == entry.spoken.text for heard, entry in zip(raw, readings, strict=True)) / count
    words = word_share([(reading.spoken.text, reading.text) for reading in readings])
    is_met = None
    if heading.name.startswith("people"):
        is_met = right >= alone and (confirmed > alone or confirmed == 100)
    notes = [f"n={count}", f"words {words:.1f}", f"taken wrongly unasked {wrong:.1f}", heading.note]
    return Row(
        f"{heading.name}, {heading.loss:.0%} lost", "%", right, raw=alone, confirmed=confirmed,
        target="≥ engine" if is_met is not None else "", is_met=is_met, note=", ".join(note for note in notes if note),
    )  # fmt: skip


def raw_readings(recognizer: VoskRecognizer, language: str, readings: Sequence[Reading], loss: float) -> list[Heard]:
    """The engine alone: whole recordings after G.711 and the same loss as silence, with the list that the bot had."""
    found = []
    for number, reading in enumerate(readings):
        line = on_the_line(reading.spoken, None, loss, number)
        found.append(recognizer.transcribe(line.audio.tobytes(), 8000, language, reading.phrases))
    return found


def _kinds(per_speaker: int, voices: int) -> list[tuple[str, list[Spoken]]]:
    digits = [entry for number, entry in enumerate(human_digits()) if number % 5 < per_speaker]
    folder = SHARED / "en" if SHARED.is_dir() else OWN
    commands = transcribed(folder, (*DIGITS, *COMMANDS))
    return [
        ("people, digits", digits),
        ("people, commands and digits", commands),
        ("synthesized", list(synthesized((*DIGITS, *COMMANDS), voices=_VOICES[:voices]))),
    ]


_VOICES = ("en-gb-scotland+m3", "en-us+f4", "en-gb-x-rp+m7")
"""None of those that the calibration is fitted on; the bot's own is en-us."""


def measure_accuracy(
    folder: Path, progress: Progress, lateness: Lateness, takes: int, voices: int, every: int
) -> list[Row]:
    """Every so manieth utterance of each kind. English by the embedded model, German by the one for tests."""
    rows: list[Row] = []
    kinds = _kinds(takes, voices)
    with tapped_bot(folder / "english", (*DIGITS, *COMMANDS)) as bot:
        recognizer = VoskRecognizer({"en": MODEL})
        for name, said in kinds:
            rows += _conditions(bot, recognizer, "en", name, said[::every], progress, lateness)
        recognizer.close()
    return rows + _german(folder / "german", progress, lateness, every)


def _german(folder: Path, progress: Progress, lateness: Lateness, every: int) -> list[Row]:
    said = transcribed(SHARED / "de")
    if not said or not GERMAN_MODEL.is_dir():
        return [Row("people, German", "%", None, note="absent: recordings or model are not on this machine")]
    words = [entry.text for entry in said]
    with tapped_bot(folder, words, "de-DE", str(GERMAN_MODEL), rtp_port=16400) as bot:
        recognizer = VoskRecognizer({"de": GERMAN_MODEL})
        rows = _conditions(
            bot, recognizer, "de", "people, German words and sentences", said[::every], progress, lateness
        )
        recognizer.close()
    return rows


def _conditions(
    bot: TappedBot, recognizer: VoskRecognizer, language: str, name: str, said: list[Spoken], progress: Progress,
    lateness: Lateness,
) -> list[Row]:  # fmt: skip
    if not said:
        return [Row(name, "%", None, note="absent: the recordings are not on this machine")]
    ratios = (None,) if name.startswith("people") else RATIOS_DB
    rows = []
    for ratio_db in ratios:
        noisy = [with_noise(entry, ratio_db, number) for number, entry in enumerate(said)]
        label = name + ("" if ratio_db is None else f", noise {ratio_db:g} dB below")
        for loss in LOSSES:
            done = progress(f"{label}, {loss:.0%} lost", len(noisy))
            readings = asyncio.run(say_all(bot, noisy, loss, lateness, done))
            raw = raw_readings(recognizer, language, readings, loss)
            rows.append(row_of(Heading(label, loss), readings, raw))
    return rows
