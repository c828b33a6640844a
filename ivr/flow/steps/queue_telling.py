"""What a caller who waits for an agent is told: his place, how long it takes, a word of comfort."""

from __future__ import annotations

from ivr.flow import templates
from ivr.flow.languages.base import QueueWords
from ivr.flow.run import Run
from ivr.flow.segments import Segment, Speech
from ivr.flow.steps.queue_model import Queue
from ivr.flow.templates import TemplateFailed

MINUTE_S = 60.0
LONG_MIN = 60
"""A longer wait is "more than an hour"."""
COARSE_FROM_MIN = 10
COARSE_MIN = 5
"""From ten minutes on nobody knows it better than to five."""


def telling(run: Run, queue: Queue, position: int, wait_s: float | None, count: int) -> tuple[Segment, ...]:
    """What is said now, for the time `count` in this queue; may be nothing."""
    return (*_standing(run, queue, position, wait_s), *_comfort(run, queue, count))


def _standing(run: Run, queue: Queue, position: int, wait_s: float | None) -> tuple[Segment, ...]:
    words = run.language.queue
    if words is None:
        return ()
    texts = []
    if "position" in queue.tell:
        texts.append(position_text(words, position, run.state.language))
    if "wait" in queue.tell and wait_s:  # none is told where an agent is free
        texts.append(wait_text(words, wait_s, run.state.language))
    return tuple(Speech(text, run.state.language) for text in texts)


def position_text(words: QueueWords, position: int, language: str) -> str:
    """ "You are number three in the queue." """
    return words.next if position <= 1 else templates.render(words.position, {"number": position}, language)


def wait_text(words: QueueWords, wait_s: float, language: str) -> str:
    """ "The wait is about four minutes." """
    if wait_s < MINUTE_S:
        return words.soon
    minutes = _rounded(wait_s / MINUTE_S)
    if minutes > LONG_MIN:
        return words.long
    return words.one_minute if minutes == 1 else templates.render(words.minutes, {"number": minutes}, language)


def _rounded(minutes: float) -> int:
    step = 1 if minutes < COARSE_FROM_MIN else COARSE_MIN
    return int(minutes / step + 0.5) * step


def _comfort(run: Run, queue: Queue, count: int) -> tuple[Segment, ...]:
    """A text that cannot be filled in costs nobody his place."""
    if queue.comfort is None:
        return ()
    try:
        return run.segments(queue.comfort.for_count(count))
    except TemplateFailed as error:
        run.note_failure("prompt", str(error))
        return ()
