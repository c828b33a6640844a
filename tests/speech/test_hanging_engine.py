"""A decoder that does not come back: who is told, and that the process ends nevertheless."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ivr.ports import RecognitionFailed, SpeechDetected
from ivr.speech import vosk_engine, vosk_recognizer
from ivr.speech.pcm import read_wav
from ivr.speech.vosk_recognizer import VoskRecognizer
from tests.speech.callers import Caller, request
from tests.speech.conftest import ENGLISH_MODEL

pytestmark = pytest.mark.adapter


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[VoskRecognizer]:
    gate, engine = threading.Event(), VoskRecognizer({"en": ENGLISH_MODEL})
    monkeypatch.setattr(vosk_engine.UtteranceDecoder, "feed", lambda self, pcm: gate.wait(30) and None)
    monkeypatch.setattr(vosk_recognizer, "_QUEUE_LIMIT_S", 1.5)
    monkeypatch.setattr(vosk_recognizer, "_STOP_LIMIT_S", 0.1)
    yield engine
    began_s = time.monotonic()
    engine.close()
    assert time.monotonic() - began_s < 5, "what hangs kept it from being closed"
    gate.set()


def speaks(recognizer: VoskRecognizer, english_dir: Path) -> Caller:
    caller = Caller(recognizer, request())
    for _ in range(2):
        caller.hears(read_wav(english_dir / "vm-no.wav"))
    return caller


def test_that_somebody_speaks_is_told_before_it_is_decoded(hanging: VoskRecognizer, english_dir: Path) -> None:
    caller = speaks(hanging, english_dir)
    caller.wait(lambda events: bool(events), "the beginning of speech")
    assert [type(event) for event in caller.events] == [SpeechDetected]


def test_those_who_wait_behind_another_call_are_told_once(hanging: VoskRecognizer, english_dir: Path) -> None:
    first = speaks(hanging, english_dir)
    first.wait(lambda events: bool(events), "the beginning of speech")
    behind = Caller(hanging, request())

    def is_told(events: object) -> bool:
        behind.hears(read_wav(english_dir / "vm-no.wav"))
        return bool(behind.events)

    behind.wait(is_told, "the failure")
    behind.hears(read_wav(english_dir / "vm-no.wav"))
    (failed,) = behind.events
    assert isinstance(failed, RecognitionFailed) and "behind" in failed.reason
