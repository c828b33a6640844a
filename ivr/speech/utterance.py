"""Which audio of a line goes to the decoder: the turn's speech with its lead-in, and pauses cut short.

    line      . . . . # # # # . . . . . . . . . . # # # . . . . . . . .
    decoder     [lead] [speech] [tail]    [resume] [speech] [tail]

Vosk closes a result by itself after half a second of silence. Between tail and resume a longer pause is left out, so a
caller who dictates digits slowly is still heard as one utterance, and silence costs no decoding.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from ivr.ports import Word
from ivr.speech.decoding import Decoder, Heard
from ivr.speech.vad import FRAME_S

TAIL_S = 0.24
"""Silence fed behind speech: soft word ends lie below the detector's threshold."""
RESUME_S = 0.2
"""Silence fed before speech that goes on after a pause."""
_ONSET_LIMIT_S = 0.5


class UtteranceAudio:
    """Keeps the latest audio of a line and feeds the decoder while there is a turn."""

    def __init__(self, decoder: Decoder, lead_in_s: float) -> None:
        self._decoder = decoder
        self._recent: deque[tuple[float, bytes]] = deque(maxlen=round((lead_in_s + _ONSET_LIMIT_S) / FRAME_S))
        self._paused: deque[bytes] = deque(maxlen=round(RESUME_S / FRAME_S))
        self._paused_count = 0
        self._silent_s = 0.0
        self._fed_s = 0.0
        self._cuts: list[tuple[float, float]] = []  # (fed so far, length left out): puts word times right again

    def take(self, begin_s: float, frame: bytes, is_speech: bool, *, is_in_turn: bool) -> None:
        """Take one frame; outside a turn it is only kept."""
        if not is_in_turn:
            self._recent.append((begin_s, frame))
            return
        self._silent_s = 0.0 if is_speech else self._silent_s + FRAME_S
        if self._silent_s > TAIL_S:
            self._paused.append(frame)
            self._paused_count += 1
            return
        self._resume()
        self._feed(frame)

    def begin(self, from_s: float) -> None:
        """A turn began: feed what was kept since `from_s`."""
        for begin_s, frame in self._recent:
            if begin_s >= from_s - FRAME_S / 2:
                self._feed(frame)
        self._recent.clear()

    def so_far(self) -> str:
        """The words of the turn up to now."""
        return self._decoder.so_far()

    def finish(self) -> Heard:
        """The turn ended: what was heard, with word times counted from the utterance's first sample."""
        heard = self._decoder.finish()
        words = tuple(self._restore(word) for word in heard.words)
        self._paused.clear()
        self._paused_count, self._silent_s, self._fed_s = 0, 0.0, 0.0
        self._cuts.clear()
        return replace(heard, words=words)

    def _resume(self) -> None:
        if not self._paused_count:
            return
        if (left_out := self._paused_count - len(self._paused)) > 0:
            self._cuts.append((self._fed_s, left_out * FRAME_S))
        for frame in self._paused:
            self._feed(frame)
        self._paused.clear()
        self._paused_count = 0

    def _feed(self, frame: bytes) -> None:
        self._decoder.feed(frame)
        self._fed_s += FRAME_S

    def _restore(self, word: Word) -> Word:
        shift_s = sum(length_s for at_s, length_s in self._cuts if word.end_s > at_s)
        return replace(word, start_s=word.start_s + shift_s, end_s=word.end_s + shift_s)
