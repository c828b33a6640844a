"""What a recognizer decodes with: a model of a language, here or on another machine, and decoders of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Protocol

from ivr.errors import RecognizerFailed
from ivr.ports import Word
from ivr.speech.grammar import UNKNOWN, Grammar, rejoined


@dataclass(frozen=True, slots=True)
class Heard:
    """What one utterance was recognized as."""

    text: str = ""
    """Lower case; `[unk]` stays in it."""
    confidence: float = 0.0
    """Share of utterances heard so that are right, where the model is calibrated (`ivr.speech.calibration`)."""
    words: tuple[Word, ...] = ()
    n_best: tuple[tuple[str, float], ...] = ()
    """All readings and their share of the likelihood, the likeliest first; empty without doubt, and in free speech."""
    trouble: str = ""
    """What failed on the way, and who heard it instead."""


class Decoder(Protocol):
    """Takes one utterance after the other. For one thread at a time."""

    def feed(self, pcm: bytes) -> None:
        """Take mono 16-bit audio. Raises RecognizerFailed."""

    def so_far(self) -> str:
        """The words of the utterance up to now; they may still change."""

    def finish(self) -> Heard:
        """End the utterance; the decoder is ready for another one. Raises RecognizerFailed."""


class SpeechModel(Protocol):
    """One language."""

    def knows(self, word: str) -> bool:
        """Whether the word can be heard."""

    def grammar(self, phrases: Sequence[str], allow_unknown: bool) -> Grammar | None:
        """The closed list as this model can hear it; None for free speech."""

    def prepare(self, phrases: Sequence[str]) -> None:
        """Wait until `grammar` of these is final."""

    def warn_of(self, missing: Sequence[str], step: str) -> None:
        """Log words that cannot be heard, each once."""

    def decoder(self, grammar: Grammar | None, sample_rate_hz: int) -> Decoder:
        """A decoder for audio of that rate. Raises RecognizerFailed."""


class UselessModel:
    """Stands for a model that cannot be used: whoever wants to listen in its language is told why not."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def knows(self, word: str) -> bool:
        """Nothing is looked for in place of words."""
        return True

    def grammar(self, phrases: Sequence[str], allow_unknown: bool) -> Grammar | None:
        """None."""
        return None

    def prepare(self, phrases: Sequence[str]) -> None:
        """Nothing is to be waited for."""

    def warn_of(self, missing: Sequence[str], step: str) -> None:
        """None is missing."""

    def decoder(self, grammar: Grammar | None, sample_rate_hz: int) -> Decoder:
        """Raises RecognizerFailed."""
        raise RecognizerFailed(self._reason)


TellMissing = Callable[[tuple[str, ...]], None]


class JoiningDecoder:
    """Another decoder, with compounds and words that have substitutes as they were listed."""

    def __init__(self, decoder: Decoder, joined: Mapping[str, str]) -> None:
        self._decoder, self._joined = decoder, joined

    def feed(self, pcm: bytes) -> None:
        """Take mono 16-bit audio. Raises RecognizerFailed."""
        self._decoder.feed(pcm)

    def so_far(self) -> str:
        """The words of the utterance up to now."""
        return rejoined(self._decoder.so_far(), self._joined)

    def finish(self) -> Heard:
        """End the utterance. Raises RecognizerFailed."""
        heard = self._decoder.finish()
        n_best = tuple((rejoined(text, self._joined), share) for text, share in heard.n_best)
        return replace(heard, text=rejoined(heard.text, self._joined), n_best=n_best)


class LateDecoder:
    """A decoder of a list whose substitutes are still looked for: made with an utterance, of what is found by then."""

    def __init__(
        self, model: SpeechModel, phrases: Sequence[str], allow_unknown: bool, sample_rate_hz: int, tell: TellMissing
    ) -> None:
        self._model, self._phrases, self._allow_unknown = model, phrases, allow_unknown
        self._sample_rate_hz, self._tell = sample_rate_hz, tell
        self._decoder: Decoder | None = None
        self._is_final = False

    def feed(self, pcm: bytes) -> None:
        """Take mono 16-bit audio. Raises RecognizerFailed."""
        self._current().feed(pcm)

    def so_far(self) -> str:
        """The words of the utterance up to now."""
        return self._current().so_far()

    def finish(self) -> Heard:
        """End the utterance. Raises RecognizerFailed."""
        heard = self._current().finish()
        if not self._is_final:
            self._decoder = None
        return heard

    def _current(self) -> Decoder:
        if self._decoder is None:
            grammar = self._model.grammar(self._phrases, self._allow_unknown)
            self._is_final = grammar is None or not grammar.is_provisional
            if grammar and self._is_final:
                self._tell(grammar.missing_words)
            self._decoder = _joining(self._model, grammar, self._sample_rate_hz)
        return self._decoder


def decoder_of(
    model: SpeechModel,
    phrases: Sequence[str],
    allow_unknown: bool,
    sample_rate_hz: int,
    tell: TellMissing = lambda words: None,
) -> Decoder:
    """A decoder for a list of phrases, empty for free speech. Raises RecognizerFailed.

    `tell` is given the words that cannot be heard, on whatever thread finds that out.
    """
    grammar = model.grammar(phrases, allow_unknown)
    if grammar and grammar.is_provisional:
        return LateDecoder(model, phrases, allow_unknown, sample_rate_hz, tell)
    if grammar and grammar.missing_words:
        tell(grammar.missing_words)
    return _joining(model, grammar, sample_rate_hz)


def _joining(model: SpeechModel, grammar: Grammar | None, sample_rate_hz: int) -> Decoder:
    decoder = model.decoder(grammar, sample_rate_hz)
    return JoiningDecoder(decoder, grammar.joined) if grammar and grammar.joined else decoder


def _number(value: object) -> float:
    number = float(str(value))
    if not isfinite(number):
        raise ValueError(f"{value} is no number")
    return number


def words_of(result: list[dict[str, object]], offset_s: float = 0.0) -> list[Word]:
    """Words of Vosk's form (`word`, `conf`, `start`, `end` in seconds), counted from `offset_s`.

    Raises ValueError, TypeError or KeyError for anything else.
    """
    found = []
    for entry in result:
        start_s, end_s, confidence = (_number(entry[key]) for key in ("start", "end", "conf"))
        place = (max(start_s - offset_s, 0.0), end_s - offset_s)
        found.append(Word(str(entry["word"]), min(max(confidence, 0.0), 1.0), *place))
    return found


def mean_confidence(words: Sequence[Word]) -> float:
    """Mean over the known words, long ones counting more; 0.0 where there is none."""
    known = [word for word in words if word.text != UNKNOWN]
    total_s = sum(max(word.end_s - word.start_s, 0.01) for word in known)
    weighted = sum(word.confidence * max(word.end_s - word.start_s, 0.01) for word in known)
    return round(weighted / total_s, 4) if known else 0.0


def heard_as(words: Sequence[Word], n_best: tuple[tuple[str, float], ...] = ()) -> Heard:
    """The words as one utterance."""
    return Heard(" ".join(word.text for word in words), mean_confidence(words), tuple(words), n_best)
