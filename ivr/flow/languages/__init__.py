"""What a language needs for dialogs: adding one is adding a module here, named by its tag (docs/languages.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

from ivr.flow.languages import de, en
from ivr.flow.languages.base import Language
from ivr.language_tags import primary_language

LANGUAGE = "LANGUAGE"
"""What the module of a language calls it."""


class _Languages(Mapping[str, Language]):
    """Primary tag to language; a module is loaded when its language is asked for."""

    def __init__(self, known: Mapping[str, Language]) -> None:
        self._known: dict[str, Language | None] = dict(known)

    def __getitem__(self, tag: str) -> Language:
        if tag not in self._known:
            self._known[tag] = _load(tag)
        found = self._known[tag]
        if found is None:
            raise KeyError(tag)
        return found

    def __iter__(self) -> Iterator[str]:
        return (module.name for module in iter_modules(__path__) if module.name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _load(tag: str) -> Language | None:
    if not (tag.isalpha() and tag.isascii() and tag.islower() and 2 <= len(tag) <= 3):
        return None
    name = f"{__name__}.{tag}"
    found: Language | None = getattr(import_module(name), LANGUAGE, None) if find_spec(name) else None
    return found


LANGUAGES: Mapping[str, Language] = _Languages({"en": en.LANGUAGE, "de": de.LANGUAGE})


@lru_cache(maxsize=256)
def language_for(tag: str) -> Language:
    """The language of a tag such as "en-US"; English for one that is not known."""
    return LANGUAGES.get(primary_language(tag), en.LANGUAGE)
