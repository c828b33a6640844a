"""A recognizer that hears what a test says it hears."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ivr.errors import RecognizerFailed
from ivr.ports import (
    ListenRequest,
    RecognitionFailed,
    RecognizerCapabilities,
    RecognizerEvent,
    RecognizerStream,
    SpeechDetected,
    TranscriptReady,
)
from ivr.testing.clock import ManualClock


@dataclass
class ScriptedStream:
    """One listening of a `ScriptedRecognizer`."""

    request: ListenRequest
    report: Callable[[RecognizerEvent], None]
    audio: bytearray = field(default_factory=bytearray)
    is_closed: bool = False

    def write(self, pcm: bytes) -> None:
        """Take a frame."""
        self.audio += pcm

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
        """Begin to listen. Raises RecognizerFailed for a language that is not among `languages`."""
        if request.language.split("-")[0] not in self.languages:
            raise RecognizerFailed(f"no speech model for {request.language}; install one with `ivr models install`")
        self.streams.append(ScriptedStream(request, report))
        return self.streams[-1]

    def unknown_words(self, language: str, words: Sequence[str]) -> tuple[str, ...]:
        """Those of `words` that are not in `vocabulary`."""
        known = self.vocabulary
        return () if known is None else tuple(word for word in words if word not in known)

    def close(self) -> None:
        """Nothing to free."""
        self.is_closed = True

    # --- the caller, played by a test

    @property
    def listening(self) -> ScriptedStream | None:
        """The open stream."""
        return next((stream for stream in reversed(self.streams) if not stream.is_closed), None)

    def hears_speech(self) -> None:
        """The caller begins to speak."""
        if (stream := self.listening) is not None:
            now_s = self.clock.monotonic_s()
            stream.report(SpeechDetected(stream.request.listen_id, now_s, now_s))

    def hears(self, text: str, confidence: float = 0.95) -> None:
        """The caller has said something; empty text for noise."""
        if (stream := self.listening) is not None:
            now_s = self.clock.monotonic_s()
            stream.report(TranscriptReady(stream.request.listen_id, now_s, text, confidence, (), now_s, now_s))

    def breaks(self, reason: str = "the engine stopped") -> None:
        """The engine fails in the middle of a listening."""
        if (stream := self.listening) is not None:
            stream.report(RecognitionFailed(stream.request.listen_id, self.clock.monotonic_s(), reason))
