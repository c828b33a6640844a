"""One out of several: written in the flow, or taken from a list that comes out of data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ivr.flow.grammar import normalized
from ivr.flow.model import ValueSettings
from ivr.flow.values.base import CHOICE, Asked, Kind, Trouble
from ivr.immutable import immutable

MOST_FROM_DATA = 20
"""Entries of a list out of data that are offered; nobody listens to more."""

LONGEST_NAME = 120
"""Characters of an entry that are spoken."""


@immutable
class Option:
    """One way to answer."""

    name: str
    """What is kept."""
    say: tuple[str, ...]
    keys: str = ""


class ChoiceOf(Kind):
    """By the words or the key of a choice; kept is its name."""

    name = "choice"
    options = ("choices", "choices_from", "empty")
    is_value = False

    def keys(self, asked: Asked) -> Mapping[str, str]:
        return {option.keys: f"{CHOICE}{option.name}" for option in options_of(asked) if option.keys}

    def phrases(self, asked: Asked) -> Mapping[str, tuple[str, ...]]:
        return {f"{CHOICE}{option.name}": option.say for option in options_of(asked) if option.say}

    def spoken(self, asked: Asked, value: object) -> str:
        return next((o.say[0] for o in options_of(asked) if o.name == value and o.say), str(value).replace("_", " "))

    def troubles(self, settings: ValueSettings) -> Iterator[Trouble]:
        if settings.choices is not None and settings.choices_from is not None:
            message = "the choices are written here, or come out of a variable; remove `choices` or `choices_from`"
            yield Trouble(("choices_from",), message, "choices_twice")


def options_of(asked: Asked) -> tuple[Option, ...]:
    """What can be chosen now."""
    settings = asked.settings
    if settings.choices_from is not None:
        return from_data(asked.variables.get(settings.choices_from))
    return tuple(
        Option(name, choice.say.for_language(asked.tag) if choice.say else (), choice.keys or "")
        for name, choice in (settings.choices or {}).items()
    )


def from_data(data: object) -> tuple[Option, ...]:
    """The entries of a list of texts, or of `{name, say, keys}`, each with a key; what is neither is left out.

    Entries without keys of their own are numbered from 1, around those that have some.
    """
    entries = [entry for entry in map(_entry, data) if entry] if isinstance(data, list | tuple) else []
    by_name: dict[str, Option] = {}
    for entry in entries:
        by_name.setdefault(entry.name, entry)
    unique = list(by_name.values())[:MOST_FROM_DATA]
    taken = {entry.keys for entry in unique if entry.keys}
    free = (str(number) for number in range(1, 2 * MOST_FROM_DATA + 1) if str(number) not in taken)
    return tuple(entry if entry.keys else Option(entry.name, entry.say, next(free)) for entry in unique)


def _entry(data: object) -> Option | None:
    if isinstance(data, str | int | float) and not isinstance(data, bool):
        data = {"name": data}
    if not isinstance(data, Mapping) or not str(data.get("name") or data.get("say") or "").strip():
        return None
    say = data.get("say")
    listed: Sequence[object] = say if isinstance(say, list | tuple) else [say or data["name"]]
    words = tuple(str(each)[:LONGEST_NAME] for each in listed if normalized(str(each)))
    keys = str(data.get("keys") or "")
    is_keyed = bool(keys) and not set(keys) - set("0123456789*#")
    return Option(str(data.get("name") or words[0]), words, keys if is_keyed else "")
