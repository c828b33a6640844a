"""Free speech: whatever the caller says, kept as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ivr.flow.values.base import SKIP, Asked, Kind, Reading

DEFAULT_MAX_WORDS = 50


class Free(Kind):
    """Recognized without a list of words. The text is data: nothing is dialled, fetched or played by it."""

    name = "free"
    options = ("max_words", "terminator", "skipped")
    is_free = True

    def keys(self, asked: Asked) -> Mapping[str, str]:
        return {asked.settings.terminator: SKIP} if asked.settings.terminator else {}

    def from_speech(self, asked: Asked, words: Sequence[str]) -> Reading | None:
        kept = list(words)[: asked.settings.max_words or DEFAULT_MAX_WORDS]
        return Reading(" ".join(kept)) if kept else None
