"""Callers of the real recognizer: streams in 20 ms frames, as the telephone delivers them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ivr.ports import ListenRequest, RecognizerEvent, TranscriptReady
from ivr.speech.pcm import Audio, pad, read_wav, resample
from ivr.speech.vosk_recognizer import VoskRecognizer, VoskStream
from tests.speech.conftest import DIGITS

COMMANDS = ("yes", "no", "agent", "message", "extension", "password", "goodbye", "today", "do not disturb")


def request(
    phrases: Sequence[str] = DIGITS,
    language: str = "en-US",
    *,
    silence_s: float = 0.6,
    longest_s: float = 15.0,
    unknown: bool = True,
) -> ListenRequest:
    """What is listened for; durations are silence that ends an utterance, and its greatest length."""
    return ListenRequest("listen-1", language, tuple(phrases), unknown, silence_s, longest_s)


class Caller:
    """Feeds audio into one stream and collects what it reports."""

    def __init__(self, recognizer: VoskRecognizer, wanted: ListenRequest, rate_hz: int = 8000) -> None:
        self.events: list[RecognizerEvent] = []
        self.rate_hz = rate_hz
        self.stream: VoskStream = recognizer.open(wanted, rate_hz, self.events.append)

    def hears(self, audio: Audio, pad_s: float = 0.5, frame_s: float = 0.02) -> None:
        """Says audio, with silence before and behind it."""
        pcm = pad(resample(audio, self.rate_hz), pad_s).pcm16()
        size = round(self.rate_hz * frame_s) * 2
        for offset in range(0, len(pcm), size):
            self.stream.write(pcm[offset : offset + size])

    def pauses(self, duration_s: float) -> None:
        """Says nothing."""
        self.hears(Audio(np.zeros(round(duration_s * self.rate_hz), dtype=np.float32), self.rate_hz), 0.0)

    def wait(self, is_there: Callable[[list[RecognizerEvent]], bool], what: str, limit_s: float = 10.0) -> None:
        """Until the events so far are as wanted."""
        deadline_s = time.monotonic() + limit_s
        while not is_there(self.events):
            assert time.monotonic() < deadline_s, f"{what} did not come; there was {self.events}"
            time.sleep(0.001)

    def transcripts(self, count: int) -> list[TranscriptReady]:
        """Those that came, once there are so many."""
        self.wait(lambda events: sum(isinstance(event, TranscriptReady) for event in events) >= count, "a transcript")
        return [event for event in self.events if isinstance(event, TranscriptReady)]


def heard(recognizer: VoskRecognizer, audio: Audio, wanted: ListenRequest, rate_hz: int = 8000) -> TranscriptReady:
    """The transcript of one utterance."""
    caller = Caller(recognizer, wanted, rate_hz)
    try:
        caller.hears(audio)
        caller.pauses(wanted.final_silence_s)
        return caller.transcripts(1)[0]
    finally:
        caller.stream.close()


def heard_text(recognizer: VoskRecognizer, path: Path, wanted: ListenRequest) -> str:
    """What was heard; empty where the voice activity found no utterance."""
    caller = Caller(recognizer, wanted)
    caller.hears(read_wav(path))
    caller.pauses(1.0)
    caller.wait(lambda _: not caller.stream.has_waiting_audio, "the end of the audio")
    caller.stream.close()
    return " | ".join(event.text for event in caller.events if isinstance(event, TranscriptReady))
