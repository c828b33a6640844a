"""What a language needs for dialogs: adding one is adding a module here and a line in `LANGUAGES`."""

from __future__ import annotations

from functools import lru_cache

from ivr.flow.languages import de, en
from ivr.flow.languages.base import Language
from ivr.language_tags import primary_language

LANGUAGES: dict[str, Language] = {"en": en.ENGLISH, "de": de.GERMAN}


@lru_cache(maxsize=256)
def language_for(tag: str) -> Language:
    """The language of a tag such as "en-US"; English for one that is not known."""
    return LANGUAGES.get(primary_language(tag), en.ENGLISH)
