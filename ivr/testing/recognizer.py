"""A recognizer that hears what a test says it hears."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ivr.errors import ModelMissing, RecognizerFailed
from ivr.flow.grammar import UNKNOWN_WORD, known_words, normalized
from ivr.ports import (
    ListenRequest,
    RecognitionFailed,
    RecognizerCapabilities,
    RecognizerEvent,
    RecognizerStream,
    SpeechDetected,
    TranscriptReady,
    Word,
)
from ivr.testing.clock import ManualClock

WORD_S: Final = 0.35
"""How long a caller takes for one word."""
_SAMPLE_RATES_HZ: Final = (8000, 16000)


@dataclass
class ScriptedStream:
    """One listening of a `ScriptedRecognizer`."""

    request: ListenRequest
    report: Callable[[RecognizerEvent], None]
    clock: ManualClock
    audio: bytearray = field(default_factory=bytearray)
    is_closed: bool = False
    is_broken: bool = False
    """It has failed, and reports no more."""
    speech_at_s: float | None = None
    """Since when the caller has been speaking."""
    said: str = ""
    """What the caller has said since then."""

    def write(self, pcm: bytes) -> None:
        """Take a frame."""
        if not self.is_closed:
            self.audio += pcm

    def end_utterance(self) -> None:
        """Report what was said so far."""
        self.ends(self.said, 0.95)

    def ends(self, text: str, confidence: float) -> None:
        """The utterance is over; nothing where nobody speaks."""
        if self.is_closed or self.is_broken or self.speech_at_s is None:  # a report may close its own stream
            return
        began_s, self.speech_at_s, self.said = self.speech_at_s, None, ""
        now_s, said = self.clock.monotonic_s(), _heard(self.request, text)
        worth = confidence if known_words(said) else 0.0
        words = tuple(
            Word(word, worth, place * WORD_S, (place + 1) * WORD_S) for place, word in enumerate(said.split())
        )
        self.report(TranscriptReady(self.request.listen_id, now_s, said, worth, words, began_s, now_s))

    def close(self) -> None:
        """End it."""
        self.is_closed = True


@dataclass
class ScriptedRecognizer:
    """Implements `ivr.ports.Recognizer`; events are reported at once and only while a stream is open."""

    clock: ManualClock
    languages: frozenset[str] = frozenset({"en", "de"})
    vocabulary: frozenset[str] | None = None
    """Words that the model knows; every word when None."""
    streams: list[ScriptedStream] = field(default_factory=list)
    is_closed: bool = False
    capabilities: RecognizerCapabilities = field(init=False)

    def __post_init__(self) -> None:
        self.capabilities = RecognizerCapabilities(grammar=True, interim_results=False, languages=self.languages)

    def open(
        self, request: ListenRequest, sample_rate_hz: int, report: Callable[[RecognizerEvent], None]
    ) -> RecognizerStream:
        """Begin to listen. Raises ModelMissing (no model of the language), RecognizerFailed."""
        if sample_rate_hz not in _SAMPLE_RATES_HZ:
            raise RecognizerFailed(f"cannot listen at {sample_rate_hz} Hz; set sip.sample_rate_hz to 8000 or 16000")
        self._check(request.language)
        self.streams.append(ScriptedStream(request, report, self.clock))
        return self.streams[-1]

    def unknown_words(self, language: str, words: Sequence[str]) -> tuple[str, ...]:
        """Those of `words` (or words of phrases) that are not in `vocabulary`. Raises as `open` does."""
        self._check(language)
        if self.vocabulary is None:
            return ()
        single = dict.fromkeys(word for phrase in words for word in normalized(phrase).split())
        return tuple(word for word in single if word not in self.vocabulary)

    def close(self) -> None:
        """Nothing to free."""
        self.is_closed = True

    def _check(self, language: str) -> None:
        if self.is_closed:
            raise RecognizerFailed("the recognizer is closed")
        if language.split("-")[0].lower() not in self.languages:
            raise ModelMissing(f"no speech model for {language}; install one with `ivr models install`")

    # --- the caller, played by a test

    @property
    def listening(self) -> ScriptedStream | None:
        """The open stream."""
        return next((stream for stream in reversed(self.streams) if not stream.is_closed), None)

    def hears_speech(self) -> None:
        """The caller begins to speak; nothing new while they speak already."""
        stream = self.listening
        if stream is not None and not stream.is_broken and stream.speech_at_s is None:
            stream.speech_at_s = now_s = self.clock.monotonic_s()
            stream.report(SpeechDetected(stream.request.listen_id, now_s, now_s))

    def hears(self, text: str, confidence: float = 0.95) -> None:
        """The caller has said something; empty text for noise.

        What is outside the list of the listening is heard as unknown speech, or not at all, and is worth nothing.
        """
        self.hears_speech()
        if stream := self.listening:
            stream.ends(text, confidence)

    def says(self, text: str) -> None:
        """The caller has said something, and may go on."""
        self.hears_speech()
        if stream := self.listening:
            stream.said = text

    def breaks(self, reason: str = "the engine stopped") -> None:
        """The engine fails in the middle of a listening; nothing follows."""
        stream = self.listening
        if stream is not None and not stream.is_broken:
            stream.is_broken = True
            stream.report(RecognitionFailed(stream.request.listen_id, self.clock.monotonic_s(), reason))


def _heard(request: ListenRequest, text: str) -> str:
    """What an engine with the closed list of the request makes of it."""
    said = normalized(text).split()
    if not request.phrases:
        return " ".join(said)
    listed = {word for phrase in request.phrases for word in normalized(phrase).split()}
    other = [UNKNOWN_WORD] if request.allow_unknown else []
    return " ".join(part for word in said for part in ([word] if word in listed else other))
