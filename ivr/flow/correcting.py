"""What callers say to "is that right?": yes, no, or at once what is right: "no, Tuesday"."""

from __future__ import annotations

from collections.abc import Sequence

from ivr.flow import grammar
from ivr.flow.form_reading import whole_reading
from ivr.flow.languages.base import Language
from ivr.flow.values.base import CHOICE, Asked, Reading, without_edges
from ivr.flow.values.registry import kind_of


def apart(words: Sequence[str], language: Language) -> tuple[str, list[str]]:
    """The "yes" or "no" at the beginning (empty where there is none), and what follows it."""
    rest = list(words)
    for meaning, phrases in (("no", language.no), ("yes", language.yes)):
        length = max((len(p) for phrase in phrases if rest[: len(p := phrase.split())] == p), default=0)
        if length:
            return meaning, _without_lead(rest[length:], language)
    return "", _without_lead(rest, language)


def _without_lead(words: list[str], language: Language) -> list[str]:
    """The words behind "I mean", "make it", and a repeated "no"."""
    leads = sorted((phrase.split() for phrase in (*language.no_leads, *language.no)), key=len, reverse=True)
    rest = words
    while (lead := next((lead for lead in leads if rest[: len(lead)] == lead), None)) is not None:
        rest = rest[len(lead) :]
    return rest


def value_in(words: Sequence[str], asked: Asked) -> Reading | None:
    """The value that some words are, for one question; words that say nothing may stand around it."""
    if not words:
        return None
    kind = kind_of(asked.settings.ask)
    if not kind.is_value:
        meanings = {meaning: p for meaning, p in kind.phrases(asked).items() if meaning.startswith(CHOICE)}
        found = grammar.match_phrases(" ".join(words), 1.0, meanings)
        return Reading(kind.value_of(found.meaning)) if found else None
    if kind.is_free:
        return None
    inner = without_edges(words, asked.language.fillers)
    return whole_reading(kind, asked, list(words)) or (whole_reading(kind, asked, inner) if inner else None)
