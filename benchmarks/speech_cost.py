"""What listening costs, and what of an utterance's beginning is lost. In this process, without calls."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from benchmarks.figures import Spread
from benchmarks.speech_rows import Row, at_most
from benchmarks.spoken import COMMANDS, DIGITS, OWN, Spoken, as_pcm, street, through_g711, transcribed
from ivr.ports import ListenRequest, RecognizerEvent, TranscriptReady
from ivr.speech.model_store import EMBEDDED_DIR
from ivr.speech.vosk_engine import UtteranceDecoder
from ivr.speech.vosk_recognizer import VoskRecognizer
from ivr.testing.sip_peer.g711 import Pcm
from ivr.testing.sip_peer.measure import first_sound_s

MODEL = EMBEDDED_DIR / "vosk-model-ivr-en-8k-test"
CHUNK = 480
"""Samples of 60 ms."""
BEGINNING_S = 0.1
STREAMS_PER_CORE = 40
WORKER_MB = 15.0
WORKERS = (1, 4, 16)


def _request(words: Sequence[str]) -> ListenRequest:
    return ListenRequest("bench", "en-US", tuple(words), True, 0.7, 15.0)


def listen(recognizer: VoskRecognizer, audio: Pcm, words: Sequence[str], limit_s: float = 120.0) -> int:
    """Feed audio as fast as it is taken; how many utterances were heard. Raises RuntimeError where that never ends."""
    events: list[RecognizerEvent] = []
    stream = recognizer.open(_request(words), 8000, events.append)
    deadline_s = time.monotonic() + limit_s
    for at in range(0, len(audio), CHUNK):
        stream.write(audio[at : at + CHUNK].tobytes())
        while at % (CHUNK * 50) == 0 and stream.has_waiting_audio:
            time.sleep(0.002)
    while stream.has_waiting_audio:
        if time.monotonic() > deadline_s:
            raise RuntimeError(f"the recognizer has not heard {len(audio) / 8000:.0f} s of audio in {limit_s:.0f} s")
        time.sleep(0.002)
    stream.close()
    return sum(isinstance(event, TranscriptReady) for event in events)


def measure_first_sound(recognizer: VoskRecognizer) -> Row:
    """Share of the first 100 ms of sound that never comes to the decoder, over recordings of people."""
    losses = [_lost_share(recognizer, entry, seed) for seed, entry in enumerate(transcribed(OWN, (*COMMANDS, *DIGITS)))]
    noticed = [loss for loss in losses if loss is not None]
    spread = Spread.of(noticed)
    note = f"mean {np.mean(noticed):.1f}; n={spread.count}, {len(losses) - len(noticed)} not noticed"
    return Row("first 100 ms of sound lost", "%", spread.p95, p50=spread.p50, note=note)


def _lost_share(recognizer: VoskRecognizer, spoken: Spoken, seed: int) -> float | None:
    """In percent; None where no utterance was noticed."""
    silence = np.zeros(8000, dtype=np.int16)
    padded = np.concatenate([silence, spoken.audio, silence])
    line = through_g711(as_pcm(padded / 32768.0 + street(len(padded), -60.0, seed)))  # noise: no two places are alike
    fed: list[bytes] = []
    feed = UtteranceDecoder.feed

    def noted(self: UtteranceDecoder, pcm: bytes) -> None:
        fed.append(pcm)
        feed(self, pcm)

    with mock.patch.object(UtteranceDecoder, "feed", noted):
        listen(recognizer, line, (*COMMANDS, *DIGITS))
    first_s = first_sound_s(line)
    if not fed or first_s is None:
        return None
    return 100 * lost_share(line.tobytes(), b"".join(fed), first_s)


def lost_share(line: bytes, fed: bytes, first_s: float) -> float:
    """Share of the `BEGINNING_S` after the first sound that is before what was fed, 0 to 1.

    Raises ValueError where what was fed is no part of the line (16-bit, 8 kHz).
    """
    place = line.find(fed[:1600])
    if place < 0:
        raise ValueError("what the decoder was fed is no part of the line")
    return float(np.clip((place / 16000 - first_s) / BEGINNING_S, 0.0, 1.0))


def measure_streams(recognizer: VoskRecognizer, *, duration_s: float) -> list[Row]:
    """CPU of one stream, voice activity and turns included: streams that one core hears in real time."""
    pieces = [entry.audio for entry in transcribed(OWN, (*COMMANDS, *DIGITS))]
    said = np.concatenate([pieces[place % len(pieces)] for place in range(round(duration_s))])
    quiet = np.concatenate([part for piece in pieces for part in (piece, np.zeros(len(piece) * 2, dtype=np.int16))])
    return [
        _streams(recognizer, "words with the pauses of a list read out", said[: round(duration_s * 8000)], True),
        _streams(recognizer, "a third of the time words", quiet[: round(duration_s * 8000)], False),
    ]


def _streams(recognizer: VoskRecognizer, name: str, audio: Pcm, is_judged: bool) -> Row:
    began_s = time.process_time()
    heard = listen(recognizer, through_g711(audio), (*COMMANDS, *DIGITS))
    count = len(audio) / 8000 / (time.process_time() - began_s)
    judged: dict[str, Any] = {"target": f"≥ {STREAMS_PER_CORE}", "is_met": count >= STREAMS_PER_CORE}
    note = f"{len(audio) / 8000:.0f} s, {heard} utterances"
    return Row(f"streams per core, {name}", "", count, note=note, **(judged if is_judged else {}))


def measure_memory() -> list[Row]:
    """Workers that share one model."""
    totals = {workers: sum(_sizes_mb(workers)) for workers in WORKERS}
    rows = [Row("memory of 1 worker and the process that loaded the model", "MB", totals[1])]
    for workers in WORKERS[1:]:
        each = (totals[workers] - totals[1]) / (workers - 1)
        target, is_met = at_most(WORKER_MB, "MB", each)
        name = f"each worker after the first, of {workers}"
        rows.append(Row(name, "MB", each, target=target, is_met=is_met, note=f"all {totals[workers]:.0f} MB"))
    return rows


def _sizes_mb(workers: int) -> list[float]:
    command = [sys.executable, "-m", "benchmarks.speech_memory", str(workers)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, cwd=Path(__file__).parents[1], check=True
    )
    sizes: list[float] = json.loads(done.stdout)
    return sizes
