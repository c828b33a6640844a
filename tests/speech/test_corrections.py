"""Corrections as they are really heard: spoken by espeak-ng, recognized among the words that a form listens for."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.flow.segments import Speech
from ivr.speech.pcm import pad, read_wav, telephone_ready
from ivr.speech.pyttsx3_synthesizer import Pyttsx3Synthesizer
from ivr.speech.vosk_recognizer import VoskRecognizer
from tests.flow.test_form_corrections import FRIDAY, SATURDAY, TUESDAY, WEDNESDAY, confirming

pytestmark = pytest.mark.adapter

TIME, DAY = "At what time?", "On which day?"


def whole(day: str = FRIDAY, at: str = "20:00") -> str:
    return f"2, {day}, cologne, {at}. Is that right?"


ENGLISH = [
    ("no, Tuesday", whole(TUESDAY)),
    ("not Friday, Wednesday", whole(WEDNESDAY)),
    ("Tuesday, not Friday", whole(TUESDAY)),
    ("the time is wrong", TIME),
    ("the day is wrong", DAY),
    ("yes, but on Saturday", whole(SATURDAY)),
    ("yes, except the time", TIME),
    ("no, at nine, and on Saturday", whole(SATURDAY, "21:00")),
]

GERMAN = [
    ("nein, Dienstag", whole(TUESDAY)),
    ("nicht Freitag, sondern Mittwoch", whole(WEDNESDAY)),
    ("die Uhrzeit ist falsch", TIME),
    ("der Tag stimmt nicht", DAY),
    ("ja, aber am Samstag", whole(SATURDAY)),
    ("nicht um acht, um neun", whole(at="21:00")),
]


def understood(said: str, tag: str, ears: VoskRecognizer, mouth: Pyttsx3Synthesizer, folder: Path) -> str:
    """What the bot says to it."""
    call = confirming(tag).listens()
    assert call.listening is not None
    mouth.synthesize(Speech(said, tag), folder / "said.wav")
    pcm = pad(telephone_ready(read_wav(folder / "said.wav"), 8000, -20.0), 0.3).pcm16()
    heard = ears.transcribe(pcm, 8000, tag, call.listening.phrases)
    call.says(heard.text, heard.confidence).listens()
    return call.said_now[-1].text


@pytest.mark.parametrize(("said", "answer"), ENGLISH)
def test_english(
    said: str, answer: str, recognizer: VoskRecognizer, synthesizer: Pyttsx3Synthesizer, tmp_path: Path
) -> None:
    assert understood(said, "en-US", recognizer, synthesizer, tmp_path) == answer


@pytest.mark.parametrize(("said", "answer"), GERMAN)
def test_german(
    said: str, answer: str, german_recognizer: VoskRecognizer, synthesizer: Pyttsx3Synthesizer, tmp_path: Path
) -> None:
    assert understood(said, "de-DE", german_recognizer, synthesizer, tmp_path) == answer
