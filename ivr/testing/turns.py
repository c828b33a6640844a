"""What a played conversation is made of: its lines, what the bot said, how the world outside answered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.flow.grammar import UNKNOWN_WORD, normalized
from ivr.immutable import immutable

WORD_S = 0.35
"""How long a caller takes for one word."""


BEGAN = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
"""When calls come in, unless a test says otherwise: a Monday morning."""


class NotAsScripted(AssertionError):
    """The conversation went another way; the text has all of it so far."""


@immutable
class SaidPrompt:
    """Something that the bot said."""

    text: str
    began_s: float
    """Since the call came in."""
    heard_s: float = 0.0
    """How much of it the caller heard; the whole once it is over."""
    was_cut: bool = False


@immutable
class Turn:
    """One line of the conversation. Sensitive input and what repeats it are masked in `shown`."""

    who: str
    """bot | caller | call."""
    shown: str
    at_s: float
    """Since the call came in."""
    step: str = ""
    """Where the call was then."""
    remark: str = ""
    """What became of it on the way: `heard: [unk] order`, `nobody listens`."""


@immutable
class Answered:
    """How something outside the engine ended, a transfer or a job."""

    event: e.Event
    """What the engine is told; `at_s` is filled in."""
    after_s: float = 0.0
    remark: str = ""
    then: Answered | None = None
    """What happens after it, and how long after: a talk with an agent has a beginning and an end."""


Outside = Callable[[c.Command], Answered | None]
"""Plays the world outside: asked about every command that the script itself does not know how to carry out, and about
transfers and queues. None leaves it open."""


def as_recognized(text: str, listening: c.StartListening) -> str:
    """What a recognizer with this closed list makes of words that are spoken clearly; free speech is left as it is."""
    if not listening.phrases:
        return normalized(text)
    known = _words_of(listening.phrases)
    words: list[str] = []
    for word in normalized(text).split():
        heard = word if word in known else UNKNOWN_WORD if listening.allow_unknown else ""
        if heard and (heard != UNKNOWN_WORD or words[-1:] != [UNKNOWN_WORD]):
            words.append(heard)
    return " ".join(words)


@lru_cache(maxsize=256)
def _words_of(phrases: tuple[str, ...]) -> frozenset[str]:
    return frozenset(word for phrase in phrases for word in phrase.split())
