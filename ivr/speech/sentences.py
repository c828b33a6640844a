"""Divides a text into sentences, so that the first can be heard while the next is made. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ivr.flow.segments import Pause, Segment, Speech
from ivr.language_tags import primary_language

LONG_CHARACTERS = 80
"""Five seconds of speech; a shorter text is made in one piece."""

SHORTEST_CHARACTERS = 20
"""A shorter sentence ("Hello.") is made together with the next: it would be over before that is there."""

SENTENCE_PAUSE = Pause(0.2)
"""Between two sentences. With what `trim` leaves of their ends no longer than the 0.34 s of espeak-ng itself."""


def parts_of(segment: Segment) -> tuple[tuple[Segment, ...], ...]:
    """The segment in parts that can be heard one after the other; one that holds the segment where it is short."""
    if not isinstance(segment, Speech) or len(segment.text) < LONG_CHARACTERS:
        return ((segment,),)
    sentences = sentences_of(segment.text, segment.language)
    if len(sentences) == 1:
        return ((segment,),)
    spoken = [replace(segment, text=sentence) for sentence in sentences]
    return (*((sentence, SENTENCE_PAUSE) for sentence in spoken[:-1]), (spoken[-1],))


def sentences_of(text: str, language: str) -> list[str]:
    """The sentences of a text, short ones together with the next; a language that is not known is taken for English."""
    from sentencex import segment as divide  # a library that only long texts need

    return _joined(sentence.strip() for sentence in divide(primary_language(language), text))


def _joined(sentences: Iterable[str]) -> list[str]:
    joined: list[str] = []
    begun = ""
    for sentence in filter(None, sentences):
        begun = f"{begun} {sentence}".strip()
        if len(begun) >= SHORTEST_CHARACTERS:
            joined.append(begun)
            begun = ""
    if begun:
        joined[-1:] = [" ".join([*joined[-1:], begun])]
    return joined
