"""What a recognizer decodes with: a model of a language, here or on another machine, and decoders of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

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

    def decoder(self, grammar: Grammar | None, sample_rate_hz: int) -> Decoder:
        """A decoder for audio of that rate. Raises RecognizerFailed."""


class JoiningDecoder:
    """Another decoder, with compounds as they were listed."""

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


def decoder_of(model: SpeechModel, phrases: Sequence[str], allow_unknown: bool, sample_rate_hz: int) -> Decoder:
    """A decoder for a list of phrases, empty for free speech. Raises RecognizerFailed."""
    grammar = model.grammar(phrases, allow_unknown)
    decoder = model.decoder(grammar, sample_rate_hz)
    return JoiningDecoder(decoder, grammar.joined) if grammar and grammar.joined else decoder


def words_of(result: list[dict[str, object]], offset_s: float = 0.0) -> list[Word]:
    """Words of Vosk's form (`word`, `conf`, `start`, `end` in seconds), counted from `offset_s`."""
    found = []
    for entry in result:
        start_s, end_s, confidence = (float(str(entry[key])) for key in ("start", "end", "conf"))
        found.append(Word(str(entry["word"]), min(confidence, 1.0), max(start_s - offset_s, 0.0), end_s - offset_s))
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
