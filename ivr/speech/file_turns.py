"""When a caller who said what is in a file would have begun, ended, and been answered to."""

from __future__ import annotations

import time
from collections.abc import Sequence
from queue import SimpleQueue

from ivr.errors import RecognizerFailed
from ivr.flow.completeness import Expected
from ivr.flow.grammar import normalized
from ivr.immutable import immutable
from ivr.ports import ListenRequest, RecognitionFailed, RecognizerEvent, TranscriptReady
from ivr.speech.vad import FRAME_S
from ivr.speech.vosk_recognizer import VoskRecognizer

_SILENCE_S = 2.0
"""Behind the file, for the turn to end in."""
_SPEED_LIMIT = 2.0
"""Decoding that takes longer than the audio so many times is taken to hang."""


@immutable
class FileTurns:
    """Instants of a file, from its beginning."""

    speech_start_s: float
    """Of the first utterance."""
    speech_end_s: float
    """Of the last one."""
    final_at_s: float
    """When it was decided that the last one is over."""


def turns_in(
    recognizer: VoskRecognizer, pcm: bytes, sample_rate_hz: int, language: str, phrases: Sequence[str]
) -> FileTurns | None:
    """Take turns as in a call, with the shipped settings; None where nobody speaks. Raises SpeechError.

    `pcm`: mono, 16-bit.
    """
    frame_bytes = round(FRAME_S * sample_rate_hz) * 2
    pcm += bytes(round(_SILENCE_S * sample_rate_hz) * 2 + -len(pcm) % frame_bytes)
    expected = Expected(tuple((normalized(phrase), phrase) for phrase in phrases))
    request = ListenRequest("file", language, tuple(phrases), True, 0.7, 15.0, expected=expected)
    events: SimpleQueue[RecognizerEvent] = SimpleQueue()
    stream = recognizer.open(request, sample_rate_hz, events.put)
    lasting_s = len(pcm) / 2 / sample_rate_hz
    stream.write(pcm)  # all at once: it counts as what has come in real time up to now
    begin_s, give_up_s = time.monotonic() - lasting_s, time.monotonic() + 5 + lasting_s * _SPEED_LIMIT
    while stream.has_waiting_audio:
        if time.monotonic() > give_up_s:
            stream.close()
            raise RecognizerFailed("the recognizer does not come to an end")
        time.sleep(0.002)
    stream.close()
    return _turns(events, begin_s)


def _turns(events: SimpleQueue[RecognizerEvent], begin_s: float) -> FileTurns | None:
    heard: list[TranscriptReady] = []
    while not events.empty():
        event = events.get()
        if isinstance(event, RecognitionFailed):
            raise RecognizerFailed(event.reason)
        if isinstance(event, TranscriptReady):
            heard.append(event)
    if not heard:
        return None
    instants_s = (heard[0].speech_started_at_s, heard[-1].speech_ended_at_s, heard[-1].turn_ended_at_s)
    # Turns begin and end with frames; what is beside that is the time between two looks at the clock.
    return FileTurns(*(round((at_s - begin_s) / FRAME_S) * FRAME_S for at_s in instants_s))
