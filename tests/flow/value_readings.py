"""Reads values as a question would, on a Monday in November."""

from __future__ import annotations

from typing import Any

from ivr.flow.grammar import known_words, normalized
from ivr.flow.languages import language_for
from ivr.flow.model import AskStep
from ivr.flow.values.base import Asked, Reading
from ivr.flow.values.registry import kind_of
from ivr.language_tags import currency_of
from ivr.testing.turns import BEGAN


def asked(kind: str, tag: str, **settings: Any) -> Asked:
    """A question of a kind; settings as a flow writes them."""
    step = AskStep.model_validate({"ask": kind, "prompt": "What?", "into": "value", **settings})
    return Asked(step, tag, language_for(tag), BEGAN, currency=currency_of(tag))


def spoken(kind: str, tag: str, text: str, **settings: Any) -> Reading | None:
    """What an utterance means."""
    return kind_of(kind).from_speech(asked(kind, tag, **settings), known_words(normalized(text)))


def keyed(kind: str, tag: str, typed: str, **settings: Any) -> Reading | None:
    """What a key entry means."""
    return kind_of(kind).from_keys(asked(kind, tag, **settings), typed)


def value(reading: Reading | None) -> object:
    """The value; None where there is none, or where it is not allowed."""
    return None if reading is None or reading.is_invalid else reading.value
