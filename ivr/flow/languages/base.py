"""The shape of a language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Language:
    """Words and texts that the dialog engine needs in one language."""

    tag: str
    yes: tuple[str, ...]
    no: tuple[str, ...]
    digits: Mapping[str, str]
    """Spoken digit to key: "one" to "1", "oh" to "0"."""
    repeats: Mapping[str, int]
    """Words that repeat the next digit: "double" to 2."""
    number_words: tuple[str, ...]
    """Every word that a spoken whole number can hold."""
    read_number: Callable[[Sequence[str]], int | None]
    """Whole number of a run of words, or None if they are none."""
    confirm_prompt: str
    """Template with `heard`."""
    no_input: str
    no_match: str
    names: Mapping[str, str]
    """How characters are called that a synthesizer would misread or leave out."""
