"""What comes by a line that is no speech, or badly damaged speech: through the real recognizer."""

from __future__ import annotations

import time

import numpy as np
import pytest

from ivr.flow.grammar import known_words
from ivr.ports import ListenRequest, RecognizerEvent, SpeechDetected, TranscriptReady
from ivr.speech.vosk_recognizer import VoskRecognizer
from tests.speech import noises
from tests.speech.lines import RATE_HZ, Line, add, as_int16, g711_line, recording
from tests.speech.noises import Noise

pytestmark = pytest.mark.adapter

MENU = (
    "agent",
    "message",
    "extension",
    "password",
    "goodbye",
    "yes",
    "no",
    "do not disturb",
    "sales",
    "repeat",
    "help",
)
DIGITS = ("zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
LISTS = {"menu": (MENU, True), "digits": (DIGITS, False), "free": ((), True)}
"""Name to the closed list and whether something else may be heard."""

WORDS = {"spy-agent": "agent", "vm-message": "message", "goodbye": "goodbye", "extension": "extension"}


class Ear:
    """Streams a whole line into the recognizer."""

    def __init__(self, recognizer: VoskRecognizer, name: str = "menu") -> None:
        phrases, allows_unknown = LISTS[name]
        self.events: list[RecognizerEvent] = []
        request = ListenRequest("l1", "en-US", phrases, allows_unknown, 0.7, 15.0)
        self._stream = recognizer.open(request, RATE_HZ, self.events.append)

    def hears(self, line: Line) -> Ear:
        pcm = as_int16(g711_line(line)).tobytes()
        for at in range(0, len(pcm), 960):
            self._stream.write(pcm[at : at + 960])
        deadline_s = time.monotonic() + 60
        while self._stream.has_waiting_audio:
            assert time.monotonic() < deadline_s, "the stream did not come to the end of the audio"
            time.sleep(0.005)
        return self

    @property
    def texts(self) -> list[str]:
        """What was made of each turn."""
        return [event.text for event in self.events if isinstance(event, TranscriptReady)]

    @property
    def words(self) -> list[str]:
        """Everything that was heard, unknown speech aside."""
        return [word for text in self.texts for word in known_words(text)]

    @property
    def starts(self) -> int:
        return sum(isinstance(event, SpeechDetected) for event in self.events)

    def close(self) -> Ear:
        self._stream.close()
        return self


def quiet(duration_s: float, seed: int = 0) -> Line:
    """A line with nothing but faint noise."""
    return noises.white(round(duration_s * RATE_HZ), -62.0, seed)


def with_sound(sound: Noise, dbfs: float, seed: int, duration_s: float = 10.0) -> Line:
    """Noise, the sound, noise."""
    line = quiet(duration_s + 2.5, seed)
    return add(line, sound(round(duration_s * RATE_HZ), dbfs, seed), 1.0)


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("dbfs", [-14.0, -24.0, -34.0])
@pytest.mark.parametrize(
    "sound",
    [noises.dial_tone, noises.ringing, noises.fax_calling, noises.fax_answer, noises.keys, noises.white, noises.hum],
)
def test_tones_and_steady_noise_are_no_words(recognizer: VoskRecognizer, sound: Noise, dbfs: float, name: str) -> None:
    ear = Ear(recognizer, name).hears(with_sound(sound, dbfs, 1)).close()
    assert ear.words == [] and ear.starts <= (sound is noises.hum)


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("dbfs", [-14.0, -24.0, -34.0])
@pytest.mark.parametrize("sound", [noises.dimmer, noises.transmitter])
def test_a_buzz_that_goes_on_is_a_turn_in_which_nothing_is_said(
    recognizer: VoskRecognizer, sound: Noise, dbfs: float, name: str
) -> None:
    ear = Ear(recognizer, name).hears(with_sound(sound, dbfs, 1, 6.0)).close()
    assert ear.texts in ([], [""]) and ear.starts <= 1


def test_a_word_over_a_buzz_that_began_with_it_is_understood(recognizer: VoskRecognizer) -> None:
    line = add(with_sound(noises.dimmer, -40.0, 1, 5.0), recording("spy-agent"), 1.3)
    assert Ear(recognizer).hears(line).close().words == ["agent"]


@pytest.mark.parametrize("name", ["menu", "digits"])
@pytest.mark.parametrize("seed", range(4))
def test_music_is_no_words(recognizer: VoskRecognizer, seed: int, name: str) -> None:
    assert Ear(recognizer, name).hears(with_sound(noises.music, -20.0, seed, 20.0)).close().words == []


def test_silence_and_a_line_that_delivers_nothing_are_no_words(recognizer: VoskRecognizer) -> None:
    ear = Ear(recognizer).hears(np.zeros(5 * RATE_HZ)).hears(quiet(5.0)).close()
    assert ear.events == []


@pytest.mark.parametrize(("name", "word"), WORDS.items())
def test_words_after_bad_sounds_are_understood(recognizer: VoskRecognizer, name: str, word: str) -> None:
    for sound in (noises.dial_tone, noises.fax_calling, noises.music, noises.hum):
        line = np.concatenate([with_sound(sound, -20.0, 2, 4.0), add(quiet(3.0), recording(name), 0.5)])
        assert Ear(recognizer).hears(line).close().words[-len(word.split()) :] == word.split(), sound.__name__


@pytest.mark.parametrize(("name", "word"), WORDS.items())
def test_damaged_words_are_understood(recognizer: VoskRecognizer, name: str, word: str) -> None:
    line = add(quiet(3.5), recording(name), 1.0)
    damaged = {
        "clipped": np.clip(line * 8, -0.25, 0.25),
        "direct current": line + 0.1,
        "quiet": line * 0.1,
        "over hum": line + noises.hum(len(line), -40.0, 1),
    }
    for damage, heard in damaged.items():
        assert Ear(recognizer).hears(heard).close().words == [word], damage


def test_tones_over_words_and_words_over_tones_end(recognizer: VoskRecognizer) -> None:
    line = add(quiet(6.0), recording("spy-agent"), 1.0)
    line = add(line, noises.keys(round(2.0 * RATE_HZ), -18.0, 3), 1.2)
    ear = Ear(recognizer).hears(line)
    assert set(ear.words) <= {"agent"}
    assert ear.hears(add(quiet(3.0), recording("goodbye"), 0.5)).close().words[-1] == "goodbye"


def test_five_seconds_without_a_packet_end_an_utterance_and_the_next_is_heard(recognizer: VoskRecognizer) -> None:
    line = add(quiet(8.0), recording("spy-agent"), 1.0)
    lost = line.copy()
    lost[round(1.3 * RATE_HZ) : round(6.3 * RATE_HZ)] = 0.0  # what a jitter buffer gives when nothing comes
    ear = Ear(recognizer).hears(lost).hears(add(quiet(3.0), recording("spy-agent"), 0.5)).close()
    assert ear.words[-1] == "agent"
    assert ear.starts == sum(isinstance(event, TranscriptReady) for event in ear.events)
