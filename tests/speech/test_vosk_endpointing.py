"""How long the recognizer waits after the last word, with the real engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ivr.flow.completeness import Expected
from ivr.flow.digits import DigitRules
from ivr.ports import ListenRequest, TranscriptReady
from ivr.speech.pcm import Audio, read_wav, trim
from ivr.speech.vosk_recognizer import VoskRecognizer, VoskStream
from tests.speech.callers import COMMANDS, Caller, request
from tests.speech.conftest import DIGITS

pytestmark = pytest.mark.adapter

MENU = Expected(tuple((word, word) for word in COMMANDS))


def pause_to_end_s(recognizer: VoskRecognizer, audio: Audio, wanted: ListenRequest) -> float:
    """How long the line must be silent behind a recording until the transcript is there."""
    caller, step_s, silent_s = Caller(recognizer, wanted), VoskStream.chunk_ms / 1000, 0.0
    caller.pauses(0.5)
    caller.hears(audio, 0.0)
    while not any(isinstance(event, TranscriptReady) for event in caller.events):
        assert silent_s < 3.0, "no transcript"
        caller.pauses(step_s)
        caller.wait(lambda _: not caller.stream.has_waiting_audio, "the end of the audio")
        silent_s += step_s
    caller.stream.close()
    return silent_s


def pause_for_s(recognizer: VoskRecognizer, audio: Audio, expected: Expected | None, phrases: Sequence[str]) -> float:
    wanted = replace(request(phrases, silence_s=0.7, unknown=expected is None or not expected.rules), expected=expected)
    return pause_to_end_s(recognizer, audio, wanted)


@pytest.mark.parametrize(
    "file", ["spy-agent.wav", "vm-message.wav", "extension.wav", "goodbye.wav", "do-not-disturb.wav"]
)
def test_a_word_of_the_menu_needs_half_the_silence(recognizer: VoskRecognizer, english_dir: Path, file: str) -> None:
    audio = read_wav(english_dir / file)
    usual_s = pause_for_s(recognizer, audio, None, COMMANDS)
    assert pause_for_s(recognizer, audio, MENU, COMMANDS) == pytest.approx(usual_s - 0.35, abs=0.13)


def test_the_last_digit_needs_half_the_silence_and_an_earlier_one_more(
    recognizer: VoskRecognizer, english_dir: Path
) -> None:
    three = Audio(
        np.concatenate([trim(read_wav(english_dir / f"digits_{digit}.wav")).samples for digit in "471"]), 8000
    )
    usual_s = pause_for_s(recognizer, three, None, DIGITS)
    for length, shift_s in ((3, -0.35), (6, 0.5)):
        expected = Expected(rules=DigitRules(length, length, "#"))
        assert pause_for_s(recognizer, three, expected, DIGITS) == pytest.approx(usual_s + shift_s, abs=0.13)
