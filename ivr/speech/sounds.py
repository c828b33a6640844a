"""Recordings that are preferred to synthesized speech: `sounds/<language>/sounds.yaml`.

    - key: main.welcome
      file: welcome.wav
      text: Welcome to Example Limited.
      source: recorded by Ann Example, 2026
      licence: CC BY 4.0

`file` is relative to the list's folder. A spoken text equal to `text`, whatever its case, spaces and punctuation, plays
the recording; a language with a region (`en-GB`) finds its own list first, then the one of the language (`en`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ivr.errors import ConfigError

_FIELDS = {"key", "file", "text", "source", "licence"}
_PUNCTUATION = re.compile(r"[^\w']+")


@dataclass(frozen=True, slots=True)
class Sound:
    """One recording."""

    key: str
    path: Path
    text: str
    language: str
    source: str = ""
    licence: str = ""


class SoundLibrary:
    """All recordings below a `sounds/` folder. A folder that does not exist is an empty library."""

    def __init__(self, folder: Path) -> None:
        """Read every list. Raises ConfigError with all mistakes of all lists."""
        self.folder = folder
        self.sounds: tuple[Sound, ...] = ()
        mistakes: list[str] = []
        for file in sorted(folder.glob("*/sounds.yaml")):
            found, wrong = _read_list(file)
            self.sounds += tuple(found)
            mistakes += wrong
        if mistakes:
            raise ConfigError("\n".join(mistakes))
        self._by_text = {(sound.language, normalize_text(sound.text)): sound for sound in reversed(self.sounds)}
        self._by_key = {(sound.language, sound.key): sound for sound in reversed(self.sounds)}

    def for_text(self, text: str, language: str) -> Sound | None:
        """The recording of a text, if there is one."""
        wanted = normalize_text(text)
        found = (self._by_text.get((tag, wanted)) for tag in _tags(language)) if wanted else ()
        return next((sound for sound in found if sound), None)

    def for_key(self, key: str, language: str) -> Sound | None:
        """The recording under a key, if there is one."""
        return next((sound for tag in _tags(language) if (sound := self._by_key.get((tag, key)))), None)


def normalize_text(text: str) -> str:
    """What two spellings of the same spoken text have in common."""
    folded = unicodedata.normalize("NFKC", text).replace("’", "'").casefold()
    return " ".join(_PUNCTUATION.sub(" ", folded).split())


def _tags(language: str) -> tuple[str, ...]:
    tag = language.lower().replace("_", "-")
    return tuple(dict.fromkeys((tag, tag.split("-")[0])))


def _read_list(file: Path) -> tuple[list[Sound], list[str]]:
    try:
        entries: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return [], [f"{file}:{line}: not valid YAML ({error.problem}); compare it with the lists that are shipped"]
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        return [], [f"{file}: cannot be read ({error}); it must be a UTF-8 text file"]
    if entries is None:
        return [], []
    if not isinstance(entries, list):
        return [], [f"{file}: must be a list of entries with key, file, text, source and licence; begin each with `- `"]
    return _read_entries(file, entries)


def _read_entries(file: Path, entries: Iterable[Any]) -> tuple[list[Sound], list[str]]:
    sounds: list[Sound] = []
    mistakes: list[str] = []
    seen: set[str] = set()
    for number, entry in enumerate(entries, start=1):
        if mistake := _mistake(file, entry, seen):
            mistakes.append(f"{file}: entry {number}: {mistake}")
            continue
        seen.add(entry["key"])
        sounds.append(
            Sound(
                entry["key"],
                file.parent / entry["file"],
                entry["text"],
                file.parent.name.lower().replace("_", "-"),
                entry.get("source", ""),
                entry.get("licence", ""),
            )
        )
    return sounds, mistakes


def _mistake(file: Path, entry: Any, seen: set[str]) -> str:
    if not isinstance(entry, dict):
        return "must have the keys key, file, text, source and licence"
    if unknown := sorted(str(key) for key in entry if key not in _FIELDS):
        return f"unknown key {unknown[0]!r}; known are {', '.join(sorted(_FIELDS))}"
    for name in ("key", "file", "text"):
        if name not in entry:
            return f"{name} is missing; every recording needs key, file and text"
    for name, value in entry.items():
        if not isinstance(value, str) or not value.strip():
            return f"{name} must be text; put it in quotes"
    if entry["key"] in seen:
        return f"key {entry['key']!r} is used twice; keys of one list must differ"
    path = file.parent / entry["file"]
    if not path.resolve().is_relative_to(file.parent.resolve()):
        return f"file {entry['file']!r} lies outside {file.parent}; move the recording there"
    if not path.is_file():
        return f"file {path} does not exist; record it or remove the entry"
    return ""
