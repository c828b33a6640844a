"""Speech recognition: what is listened for, and what was heard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from ivr.flow.completeness import Expected
from ivr.immutable import immutable
from ivr.ports.audio import AudioSink


@immutable
class RecognizerCapabilities:
    """What an engine can do."""

    grammar: bool
    interim_results: bool
    languages: frozenset[str]
    """Primary language tags ("en", "de") that it can listen in."""


@immutable
class ListenRequest:
    """What one listening step wants to hear."""

    listen_id: str
    language: str
    """BCP 47 tag of the call, e.g. "en-US"."""
    phrases: tuple[str, ...]
    """Closed list of phrases; empty = free speech."""
    allow_unknown: bool
    """Whether the engine may answer "something else" (`[unk]`) for speech outside the list."""
    final_silence_s: float
    max_speech_duration_s: float
    is_sensitive: bool = False
    complete_silence_s: float = 0.35
    """Ends an utterance sooner that is a whole answer by `expected`."""
    incomplete_silence_s: float = 1.2
    """Ends one later that is half an answer."""
    expected: Expected | None = None
    line: str = ""
    """Names the line: what one listening learns of its echo holds for the next."""
    step: str = ""
    """Of the flow, for the operator."""


@immutable
class Word:
    """One recognized word."""

    text: str
    confidence: float
    start_s: float
    """From the beginning of the utterance's audio."""
    end_s: float


@immutable
class RecognizerEvent:
    """Something was heard; `at_s` is when it was decided."""

    listen_id: str
    at_s: float


@immutable
class SpeechDetected(RecognizerEvent):
    """Sustained speech began (false starts excluded); `started_at_s` is its first frame."""

    started_at_s: float


@immutable
class TranscriptReady(RecognizerEvent):
    """An utterance ended. `text` is lower case, without unknown-word marks stripped: `[unk]` stays in it."""

    text: str
    confidence: float
    """0.0 to 1.0; 0.0 when nothing was recognized."""
    words: tuple[Word, ...]
    speech_started_at_s: float
    speech_ended_at_s: float
    turn_ended_at_s: float = 0.0
    """When the audio had come that showed the end of the utterance: its silence is over."""
    is_final: bool = True
    n_best: tuple[tuple[str, float], ...] = ()
    """All readings with their share of the likelihood, the likeliest first; empty where there was no doubt."""
    trouble: str = ""
    """What failed while it was heard all the same, for the operator; none of what was said."""

    @property
    def spoken_s(self) -> float:
        """From the first sound to the last."""
        return self.speech_ended_at_s - self.speech_started_at_s


@immutable
class RecognitionFailed(RecognizerEvent):
    """The engine gave up on this listening, and nothing follows; keys still work."""

    reason: str


class RecognizerStream(AudioSink, Protocol):
    """One listening: takes audio, reports events; may report several utterances until it is closed."""

    def end_utterance(self) -> None:
        """Report what was said so far without waiting for silence; nothing where nobody speaks. Never blocks."""

    def close(self) -> None:
        """End it; no event follows. Idempotent, never blocks."""


class Recognizer(Protocol):
    """A speech recognition engine."""

    capabilities: RecognizerCapabilities

    def open(
        self, request: ListenRequest, sample_rate_hz: int, report: Callable[[RecognizerEvent], None]
    ) -> RecognizerStream:
        """Begin to listen; `report` is called on the engine's thread. Raises SpeechError."""

    def unknown_words(self, language: str, words: Sequence[str]) -> tuple[str, ...]:
        """Those of `words` (or words of phrases) that the model of the language cannot hear, as far as it tells.

        Raises SpeechError.
        """

    def close(self) -> None:
        """Free models and threads."""
