"""Several values in one sentence: which words answer which field of a form."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence

from ivr.flow.values.base import Asked, Kind, Reading
from ivr.flow.values.registry import kind_of
from ivr.immutable import immutable

LONGEST_VALUE_WORDS = 10
"""Words of one value at most; digits of an account number among them."""

LONGEST_SENTENCE_WORDS = 40
"""What is said beyond is not looked at: the work grows with the square."""

_WORD, _CUE, _STRAY, _INVALID = 10, 4, -6, -5


@immutable
class Wanted:
    """A field that a sentence may answer."""

    name: str
    asked: Asked
    weight: int
    """Of two fields that the same words fit, the one with more takes them."""


@immutable
class _Span:
    begin: int
    end: int
    field: int
    reading: Reading
    score: int


def read_fields(words: Sequence[str], wanted: Sequence[Wanted]) -> dict[str, Reading]:
    """The values in the words: each field at most once, each word in one value, as many words as can be used."""
    said = list(words)[:LONGEST_SENTENCE_WORDS]
    spans = [span for place, field in enumerate(wanted) for span in _spans(said, place, field)]
    by_begin: dict[int, list[_Span]] = {}
    for span in spans:
        by_begin.setdefault(span.begin, []).append(span)
    fillers = wanted[0].asked.language.fillers if wanted else frozenset()
    best: dict[int, tuple[int, tuple[_Span, ...]]] = {0: (0, ())}
    reached = [dict[int, tuple[int, tuple[_Span, ...]]]() for _ in range(len(said) + 1)]
    reached[0] = best
    for at in range(len(said)):
        for used, (score, taken) in reached[at].items():
            skipped = score + (0 if said[at] in fillers else _STRAY)
            _improve(reached[at + 1], used, skipped, taken)
            for span in by_begin.get(at, ()):
                if not used & 1 << span.field:
                    _improve(reached[span.end], used | 1 << span.field, score + span.score, (*taken, span))
    _, taken = max(reached[-1].values(), key=lambda each: each[0])
    return {wanted[span.field].name: span.reading for span in taken}


def _improve(
    reached: dict[int, tuple[int, tuple[_Span, ...]]], used: int, score: int, taken: tuple[_Span, ...]
) -> None:
    if used not in reached or reached[used][0] < score:
        reached[used] = (score, taken)


def _spans(words: Sequence[str], place: int, field: Wanted) -> list[_Span]:
    """Every run of words that is a value of the field."""
    kind, fillers = kind_of(field.asked.settings.ask), field.asked.language.fillers
    if kind.is_free:
        return []
    cues = field.asked.language.cues.get(kind.name, frozenset())
    inside = [word not in fillers or word in cues for word in words]
    """Which words a value can begin and end with."""
    found = []
    for begin in itertools.compress(range(len(words)), inside):
        for end in range(begin + 1, min(begin + LONGEST_VALUE_WORDS, len(words)) + 1):
            if not inside[end - 1]:
                continue
            inner = words[begin:end]
            reading = whole_reading(kind, field.asked, inner)
            if reading is not None:
                has_cue = inner[0] in cues or (begin > 0 and words[begin - 1] in cues)
                counted = sum(1 for word in inner if word not in fillers)
                score = _WORD * counted + field.weight + _CUE * has_cue + _INVALID * reading.is_invalid
                found.append(_Span(begin, end, place, reading, score))
    return found


def whole_reading(kind: Kind, asked: Asked, words: Sequence[str]) -> Reading | None:
    """The value in words that nothing follows: what may be said in parts must be complete."""
    reading = kind.from_speech(asked, words)
    rules = kind.entry(asked)
    if reading is None or not reading.is_part or rules is None:
        return reading
    typed = str(reading.value)
    return kind.from_keys(asked, typed) if rules.is_acceptable(typed) else None


def weights_of(
    fields: Sequence[str],
    asked: str,
    filled: Collection[str],
    *,
    is_correction: bool,
    preferred: Collection[str] = (),
) -> dict[str, int]:
    """The fields that the caller names come first, then the one that is asked, then those that are open; after a "no"
    those that have a value.
    """
    of_filled = 3 if is_correction else 1

    def weight(name: str) -> int:
        if name in preferred:
            return 4
        return 3 if name == asked else of_filled if name in filled else 2

    return {name: weight(name) for name in fields}
