"""Data out of an answer: bounded, and found by its path. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

MAX_DEPTH = 16
"""Deepest nesting of an answer."""
MAX_VALUES = 5000
"""Most values (of every level together) in an answer."""
MAX_TEXT_CHARACTERS = 10_000
"""Longest text in an answer."""

MISSING = object()
"""What `value_at` finds where there is nothing."""


class TooMuch(ValueError):
    """An answer goes beyond what a call takes; the text says how."""


def require_bounded(value: object) -> None:
    """Raise TooMuch where JSON data is too deep, too long or not JSON's. Never recurses: depth is the attack."""
    waiting: list[tuple[object, int]] = [(value, 1)]
    count = 0
    while waiting:
        item, depth = waiting.pop()
        count += 1
        if count > MAX_VALUES:
            raise TooMuch(f"it holds more than {MAX_VALUES} values")
        if depth > MAX_DEPTH:
            raise TooMuch(f"it is nested deeper than {MAX_DEPTH} levels")
        waiting += [(inner, depth + 1) for inner in _inner(item)]


def _inner(item: object) -> Sequence[object]:
    match item:
        case dict():
            return [*item, *item.values()]
        case list():
            return item
        case str():
            _require_text(item)
    return ()


def _require_text(text: str) -> None:
    """Texts go into prompts and records: no halves of characters, which JSON can spell, and no NUL."""
    if len(text) > MAX_TEXT_CHARACTERS:
        raise TooMuch(f"a text in it is longer than {MAX_TEXT_CHARACTERS} characters")
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise TooMuch("a text in it holds half a character") from None
    if "\0" in text:
        raise TooMuch("a text in it holds a NUL")


def value_at(data: object, path: str) -> object:
    """What lies at `customer.balance` or `orders.0.id`; MISSING where nothing does."""
    for part in path.split("."):
        if isinstance(data, Mapping) and part in data:
            data = data[part]
        elif isinstance(data, Sequence) and not isinstance(data, str) and part.isdecimal() and int(part) < len(data):
            data = data[int(part)]
        else:
            return MISSING
    return data
