"""Fixtures of the speech tests: recordings, models, engines, and a check that nothing is left running."""

from __future__ import annotations

import csv
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ivr.speech.model_store import EMBEDDED_DIR
from ivr.speech.pyttsx3_synthesizer import Pyttsx3Synthesizer
from ivr.speech.vosk_recognizer import VoskRecognizer

PROJECT_DIR = Path(__file__).parents[2]
SHARED_DIR = PROJECT_DIR.parent / "shared"
ENGLISH_MODEL = EMBEDDED_DIR / "vosk-model-ivr-en-8k-test"
GERMAN_MODEL = SHARED_DIR / "models" / "vosk-model-ivr-de-8k-test"
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def needed(path: Path) -> Path:
    """The path, or a skip that says what is absent."""
    if not path.exists():
        pytest.skip(f"{path} is absent: these recordings and models are used from there, not copied into the project")
    return path


@pytest.fixture(scope="session")
def english_dir() -> Path:
    return PROJECT_DIR / "tests" / "data" / "speech" / "en"


@pytest.fixture(scope="session")
def digits_dir() -> Path:
    return needed(SHARED_DIR / "speech" / "digits")


@pytest.fixture(scope="session")
def german_dir() -> Path:
    return needed(SHARED_DIR / "speech" / "de")


@pytest.fixture(scope="session")
def german_model() -> Path:
    return needed(GERMAN_MODEL)


def transcripts(folder: Path) -> dict[str, str]:
    """File name to what is said in it."""
    with (folder / "transcripts.tsv").open(encoding="utf-8", newline="") as file:
        return {row["file"]: row["text"] for row in csv.DictReader(file, delimiter="\t")}


@pytest.fixture(scope="module")
def recognizer() -> Iterator[VoskRecognizer]:
    engine = VoskRecognizer({"en": ENGLISH_MODEL})
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def german_recognizer(german_model: Path) -> Iterator[VoskRecognizer]:
    engine = VoskRecognizer({"de": german_model})
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def synthesizer() -> Iterator[Pyttsx3Synthesizer]:
    engine = Pyttsx3Synthesizer()
    yield engine
    engine.close()


@pytest.fixture(scope="module", autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    deadline_s = time.monotonic() + 5
    while (left := set(threading.enumerate()) - before) and time.monotonic() < deadline_s:
        time.sleep(0.01)
    assert not left, f"threads left behind: {left}"
