"""The adapters fit the contracts; mypy compares the signatures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ivr.ports import ListenRequest, PromptStore, Recognizer, RecognizerEvent, RecognizerStream, Synthesizer
from ivr.speech.prompt_cache import FilePromptStore
from ivr.speech.pyttsx3_synthesizer import Pyttsx3Synthesizer
from ivr.speech.vosk_recognizer import VoskRecognizer
from tests.speech.conftest import ENGLISH_MODEL

pytestmark = pytest.mark.adapter


def test_the_recognizer_fits_its_port() -> None:
    recognizer: Recognizer = VoskRecognizer({"en": ENGLISH_MODEL})
    events: list[RecognizerEvent] = []
    report: Callable[[RecognizerEvent], None] = events.append
    stream: RecognizerStream = recognizer.open(ListenRequest("1", "en", (), True, 0.7, 10.0), 8000, report)
    stream.write(b"\0" * 320)
    stream.close()
    assert recognizer.capabilities.grammar
    assert recognizer.capabilities.languages == {"en"}
    recognizer.close()


def test_the_synthesizer_and_the_store_fit_their_ports(tmp_path: Path) -> None:
    synthesizer: Synthesizer = Pyttsx3Synthesizer()
    made = FilePromptStore(synthesizer, tmp_path)
    store: PromptStore = made
    assert store.cached([]) == []
    made.close()
    synthesizer.close()
