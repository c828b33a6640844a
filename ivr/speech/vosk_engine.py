"""One loaded Vosk model and the decoding of one utterance after the other. Knows nothing of turns, threads or ports."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soxr
import structlog
import vosk

from ivr.errors import ModelMissing, RecognizerFailed
from ivr.ports import Word
from ivr.speech.calibration import IDENTITY, ConfidenceMap, confidence_map
from ivr.speech.decoding import Heard, heard_as, mean_confidence, words_of
from ivr.speech.grammar import Grammar, build_grammar, normalize_phrase
from ivr.speech.model_store import check_model, has_closed_lists, model_rate_hz
from ivr.speech.substitutes import SubstituteFinder, Wanted

log = structlog.get_logger(__name__)

N_BEST = 5
"""So many readings of an utterance are told."""

DOUBT = 0.99
"""Below this confidence of the engine an utterance is decoded once more, for its other readings."""


class VoskModel:
    """A model in memory, shared by all its decoders. Loading takes 0.05 s (small models) to some seconds."""

    def __init__(self, path: Path, language: str, substitutes: SubstituteFinder | None = None) -> None:
        """Load it. Without `substitutes` words that it lacks are left out.

        Raises ModelMissing for an absent, incomplete or broken one.
        """
        check_model(path, language)
        vosk.SetLogLevel(-1)
        self.path = path
        self.language = language
        self._substitutes = substitutes
        self.sample_rate_hz = model_rate_hz(path)
        self._has_closed_lists = has_closed_lists(path)
        self._confidence = confidence_map(path)
        self._warned_of: set[str] = set()
        self._has_warned_of_lists = False
        try:
            self._model = vosk.Model(str(path))
        except Exception as error:  # Vosk raises nothing more precise
            raise ModelMissing(
                f"speech model {path} cannot be loaded: its files are damaged; `ivr models install {language}` gets one"
            ) from error

    def knows(self, word: str) -> bool:
        """Whether the word can be heard."""
        return bool(self._model.vosk_model_find_word(word) >= 0)

    def grammar(self, phrases: Sequence[str], allow_unknown: bool) -> Grammar | None:
        """The closed list as this model can hear it; None for free speech."""
        if not phrases:
            return None
        if not self._has_closed_lists:
            if not self._has_warned_of_lists:
                self._has_warned_of_lists = True
                log.warning(
                    "closed_lists_unsupported",
                    model=self.path.name,
                    remedy="it hears free speech instead: use a small or lgraph model for menus (`ivr models`)",
                )
            return None
        grammar = build_grammar(phrases, allow_unknown, self.knows)
        if self._substitutes is None or not grammar.missing_words:
            return grammar
        found = self._substitutes.known(self._wanted(grammar.missing_words, phrases))
        if found is None:
            return replace(grammar, is_provisional=True)
        return build_grammar(phrases, allow_unknown, self.knows, found)

    def prepare(self, phrases: Sequence[str]) -> None:
        """Wait until the substitutes of the words that the model lacks are found."""
        missing = build_grammar(phrases, False, self.knows).missing_words
        if self._substitutes is not None and missing and self._has_closed_lists:
            self._substitutes.find(self._wanted(missing, phrases))

    def _wanted(self, missing: tuple[str, ...], phrases: Sequence[str]) -> Wanted:
        return Wanted(self.path, self.language, missing, tuple(map(normalize_phrase, phrases)))

    def warn_of(self, missing: Sequence[str], step: str) -> None:
        """Log words that cannot be heard, each once."""
        new = tuple(word for word in missing if word not in self._warned_of)
        if new:
            self._warned_of.update(new)
            log.warning(
                "words_unknown_to_model",
                step=step,
                words=new,
                language=self.language,
                model=self.path.name,
                remedy="nothing in the model sounds like them, so nobody can say them: offer keys or other words",
            )

    def decoder(self, grammar: Grammar | None, sample_rate_hz: int) -> UtteranceDecoder:
        """A decoder for audio of that rate. Raises RecognizerFailed."""
        engine = self._engine(grammar)
        engine.SetWords(True)
        if grammar is None:
            return UtteranceDecoder(engine, self.sample_rate_hz, sample_rate_hz)
        again = partial(self._engine, grammar)
        return UtteranceDecoder(engine, self.sample_rate_hz, sample_rate_hz, again, self._confidence)

    def _engine(self, grammar: Grammar | None) -> Any:
        arguments = [self._model, self.sample_rate_hz] + ([grammar.json] if grammar else [])
        try:
            return vosk.KaldiRecognizer(*arguments)
        except Exception as error:  # Vosk raises nothing more precise
            raise RecognizerFailed(f"Vosk refused to make a recognizer with model {self.path}") from error


class UtteranceDecoder:
    """Feeds one utterance to Vosk and collects what it heard; then takes the next. For one thread at a time."""

    def __init__(
        self,
        engine: Any,
        model_rate_hz: int,
        sample_rate_hz: int,
        again: Callable[[], Any] | None = None,
        confidence: ConfidenceMap = IDENTITY,
    ) -> None:
        """`again` makes another engine of the same list, for a second look at what was doubtful."""
        self._engine, self._again, self._confidence = engine, again, confidence
        self._fed: list[bytes] = []
        self._model_rate_hz = model_rate_hz
        self._sample_rate_hz = sample_rate_hz
        self._resampler = self._make_resampler()
        self._words: list[Word] = []
        self._offset_s = 0.0  # Vosk counts its word times from the first sample ever
        self._fed_s = 0.0

    def _make_resampler(self) -> soxr.ResampleStream | None:
        if self._model_rate_hz == self._sample_rate_hz:
            return None
        return soxr.ResampleStream(self._sample_rate_hz, self._model_rate_hz, 1, dtype="int16")

    def feed(self, pcm: bytes) -> None:
        """Take mono 16-bit audio."""
        if self._resampler is not None:
            pcm = self._resampler.resample_chunk(np.frombuffer(pcm, dtype="<i2")).tobytes()
        self._accept(pcm)

    def _accept(self, pcm: bytes) -> None:
        self._fed_s += len(pcm) / 2 / self._model_rate_hz
        if self._again is not None:
            self._fed.append(pcm)
        # Vosk ends a result by rules of its own after a pause; the turn decides, so the parts are joined.
        if pcm and self._engine.AcceptWaveform(pcm):
            self._words += self._read(self._engine.Result())

    def so_far(self) -> str:
        """The words of the utterance up to now; they may still change."""
        partial = json.loads(self._engine.PartialResult()).get("partial", "")
        return " ".join([*(word.text for word in self._words), *partial.split()])

    def finish(self) -> Heard:
        """End the utterance; the decoder is ready for another one."""
        if self._resampler is not None:
            self._accept(self._resampler.resample_chunk(np.zeros(0, dtype=np.int16), last=True).tobytes())
            self._resampler = self._make_resampler()
        words = self._words + self._read(self._engine.FinalResult())
        self._engine.Reset()
        self._words = []
        self._offset_s = self._fed_s
        fed, self._fed = self._fed, []
        is_doubtful = bool(words) and mean_confidence(words) < DOUBT
        heard = heard_as(words, self._n_best(fed) if is_doubtful else ())
        return replace(heard, confidence=self._confidence(heard.confidence))

    def _n_best(self, fed: list[bytes]) -> tuple[tuple[str, float], ...]:
        """The readings of a doubtful utterance.

        Vosk tells either words with confidences or readings, and takes audio only once: so it is decoded again.
        """
        if self._again is None:
            return ()
        engine = self._again()
        engine.SetMaxAlternatives(N_BEST)
        if engine.AcceptWaveform(b"".join(fed)):  # a pause within ended a result: there are no readings of the whole
            return ()
        readings = json.loads(engine.FinalResult()).get("alternatives", [])
        return shares([(reading["text"], reading["confidence"]) for reading in readings])

    def _read(self, result: str) -> list[Word]:
        return words_of(json.loads(result).get("result", []), self._offset_s)


def shares(readings: Sequence[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    """Shares of likelihood from Vosk's scores, which are logarithms of it (measured: they agree with its word
    confidences within 0.05).
    """
    if not readings:
        return ()
    best = max(score for _, score in readings)
    weights = [math.exp(score - best) for _, score in readings]
    return tuple((text, round(weight / sum(weights), 4)) for (text, _), weight in zip(readings, weights, strict=True))
