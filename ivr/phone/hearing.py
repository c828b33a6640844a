"""Turns what the telephone hears into text, a sentence at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from ivr.ports import (
    ListenRequest,
    RecognitionFailed,
    Recognizer,
    RecognizerEvent,
    RecognizerStream,
    SpeechDetected,
    TranscriptReady,
)

SENTENCE_SILENCE_S: Final = 0.3
"""A pause of a speaker between two sentences; waiting longer would join whole announcements to one line."""
SENTENCE_LIMIT_S: Final = 12.0
_UNKNOWN: Final = "[unk]"
_STEP_S: Final = 0.02
_SETTLE_S: Final = 0.15


class Hearing:
    """One listening in free speech, for the length of a call."""

    def __init__(self, recognizer: Recognizer, language: str) -> None:
        self._recognizer, self._language = recognizer, language
        self._loop = asyncio.get_running_loop()
        self._stream: RecognizerStream | None = None
        self._is_quiet = asyncio.Event()
        self._is_quiet.set()
        self._sample_rate_hz = 0
        self.on_heard: Callable[[float, str, float], None] = lambda started_at_s, text, confidence: None
        """Told when an utterance began, its text and its confidence."""
        self.on_problem: Callable[[str], None] = lambda text: None

    def start(self, sample_rate_hz: int) -> None:
        """Begin. Raises SpeechError."""
        request = ListenRequest(
            listen_id="phone",
            language=self._language,
            phrases=(),
            allow_unknown=True,
            final_silence_s=SENTENCE_SILENCE_S,
            max_speech_duration_s=SENTENCE_LIMIT_S,
        )
        self._sample_rate_hz = sample_rate_hz
        self._stream = self._recognizer.open(request, sample_rate_hz, self._report)

    def write(self, pcm: bytes) -> None:
        """Take audio."""
        if self._stream is not None:
            self._stream.write(pcm)

    async def finish(self, limit_s: float) -> None:
        """The line is dead: wait for the text of what was said last, then close."""
        if self._stream is None:
            return
        silence = bytes(2 * round(self._sample_rate_hz * _STEP_S))
        for _ in range(round(2 * SENTENCE_SILENCE_S / _STEP_S)):
            self._stream.write(silence)
        await asyncio.sleep(_SETTLE_S)  # what the recognizer has not looked at yet may hold the beginning of speech
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self._is_quiet.wait()
        stream, self._stream = self._stream, None
        stream.close()

    def _report(self, event: RecognizerEvent) -> None:
        self._loop.call_soon_threadsafe(self._take, event)

    def _take(self, event: RecognizerEvent) -> None:
        match event:
            case SpeechDetected():
                self._is_quiet.clear()
            case TranscriptReady(text=text, confidence=confidence, speech_started_at_s=started_at_s):
                self._is_quiet.set()
                words = " ".join(word for word in text.split() if word != _UNKNOWN)
                if words:
                    self.on_heard(started_at_s, words, confidence)
            case RecognitionFailed(reason=reason):
                self._is_quiet.set()
                self.on_problem(f"no longer listening: {reason}")
