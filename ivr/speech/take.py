"""One recording in the making: which of the frames that come in are kept, and when it is over. No files, no clock.

    frames    g g g . . . # # # # . . # # # # # . . . . . . . .
              ^guard      |<------ kept ------->|             ^`final_silence_s` without speech: over
              (the tone's echo)  with `PAD_S` before and after

Frames are held back until they can no longer be cut off: the silence at the end, and the sound of the key that ends it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

from ivr.flow import turn
from ivr.flow.events import RecordingEnd
from ivr.ports import RecordRequest
from ivr.speech.vad import FRAME_S, VadSettings, VoiceActivityDetector

GUARD_S: Final = 0.25
"""The end of our tone may come back from the line so late."""
PAD_S: Final = 0.3
"""Kept before the first and after the last speech: soft consonants lie below every detector's threshold."""
KEY_S: Final = 0.16
"""Cut off before the key that ended it: what of its tone came through before it was recognized."""


def _frames(duration_s: float) -> int:
    return round(duration_s / FRAME_S)


class Take:
    """Takes 20 ms frames of 8 kHz, gives back those that are to be kept."""

    def __init__(self, request: RecordRequest) -> None:
        self._request = request
        self._vad = VoiceActivityDetector(8000, VadSettings(has_network=False))
        self._settings = turn.TurnSettings(request.final_silence_s, max_speech_duration_s=10 * request.max_length_s)
        self._turn = turn.TurnState()
        self._held: deque[bytes] = deque()
        self._first_held = 0
        """Index of the oldest frame that is held."""
        self._count = 0
        self._last_speech = 0
        """Index after the last frame of speech."""
        self._kept = 0
        self.is_heard = False
        self.ended: RecordingEnd | None = None

    @property
    def duration_s(self) -> float:
        """Length of what is kept so far."""
        return self._kept * FRAME_S

    def add(self, frame: bytes) -> Iterator[bytes]:
        """Take a frame; those that are certain by now come back."""
        if self.ended is not None:
            return
        self._decide(self._vad.is_speech(frame) and self._count >= _frames(GUARD_S))
        self._held.append(frame)
        self._count += 1
        if self.is_heard:
            yield from self._take_until(min(self._last_speech, self._count - _frames(KEY_S)))
        else:
            self._forget_before(self._count - _frames(PAD_S + self._settings.onset_window_s))
        self._end_by_time()

    def _decide(self, is_speech: bool) -> None:
        self._turn, event = turn.step(self._settings, self._turn, self._count * FRAME_S, is_speech)
        if isinstance(event, turn.SpeechStarted):
            self._forget_before(max(_frames(event.audio_from_s), _frames(GUARD_S)))
            self.is_heard = True
        elif isinstance(event, turn.SpeechEnded):
            self.ended = RecordingEnd.SILENCE
        if self.is_heard and is_speech:
            self._last_speech = self._count + 1

    def _end_by_time(self) -> None:
        elapsed_s = self._count * FRAME_S
        if not self.is_heard and elapsed_s >= self._request.first_input_timeout_s:
            self.ended = self.ended or RecordingEnd.NOTHING
        elif elapsed_s >= self._request.max_length_s:
            self.ended = self.ended or RecordingEnd.MAX_LENGTH

    def finish(self, *, by_key: bool) -> Iterator[bytes]:
        """The rest that is kept."""
        if not self.is_heard:
            return
        end = self._count - (_frames(KEY_S) if by_key else 0)
        yield from self._take_until(min(end, self._last_speech + _frames(PAD_S)))

    def _take_until(self, index: int) -> Iterator[bytes]:
        while self._held and self._first_held < index:
            self._first_held += 1
            self._kept += 1
            yield self._held.popleft()

    def _forget_before(self, index: int) -> None:
        while self._held and self._first_held < index:
            self._first_held += 1
            self._held.popleft()
