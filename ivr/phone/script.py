"""What a scripted call does, in order: keys, speech, recordings, pauses. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ivr.errors import ConfigError

KEYS: Final = frozenset("0123456789*#ABCD")
PAUSES_S: Final[Mapping[str, float]] = {"w": 0.5, " ": 1.0, ",": 2.0}
"""Pauses in a string of keys: `w` and `,` as modems and Asterisk have them, a space for legibility."""
KEYS_LIMIT: Final = 256


@dataclass(frozen=True, slots=True)
class KeyPause:
    """A pause between two keys."""

    duration_s: float


Stroke = str | KeyPause
"""One key, or a pause."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that the script does."""

    is_at_once: bool = False
    """Whether it interrupts the other side, rather than letting it finish."""


@dataclass(frozen=True, slots=True)
class Press(Act):
    """Press keys."""

    strokes: tuple[Stroke, ...] = ()


@dataclass(frozen=True, slots=True)
class Say(Act):
    """Speak a text."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class Play(Act):
    """Play a recording."""

    wav: Path = Path()


@dataclass(frozen=True, slots=True)
class Wait(Act):
    """Do nothing for a while; never waits for the other side."""

    duration_s: float = 0.0


def parse_keys(text: str) -> tuple[Stroke, ...]:
    """Read a string of keys. Raises ConfigError at the first character that is neither key nor pause."""
    strokes: list[Stroke] = []
    for place, char in enumerate(text, 1):
        if (key := char.upper()) in KEYS:
            strokes.append(key)
        elif (pause_s := PAUSES_S.get(char.lower())) is not None:
            strokes.append(KeyPause(pause_s))
        else:
            raise ConfigError(
                f"--press {text!r}: {char!r} at place {place} is not a key; "
                "keys are 0-9 * # A-D, pauses w (0.5 s), space (1 s), comma (2 s)"
            )
    if not any(isinstance(stroke, str) for stroke in strokes):
        raise ConfigError(f"--press {text!r}: holds no key; keys are 0-9 * # A-D")
    if len(strokes) > KEYS_LIMIT:
        raise ConfigError(f"--press: {len(strokes)} keys and pauses; use at most {KEYS_LIMIT} in one option")
    return tuple(strokes)


def build_script(order: Sequence[str], values: Mapping[str, Sequence[object]]) -> tuple[Act, ...]:
    """Put the options back into the order of the command line.

    `order` names an option for each time that it was given, `values` holds what was given by option. The option
    `at_once` concerns the act behind it; behind the last act it concerns all. Raises ConfigError.
    """
    queues = {name: iter(given) for name, given in values.items()}
    acts: list[Act] = []
    is_at_once = False
    for name in order:
        if name == "at_once":
            is_at_once = True
        elif name in queues:
            acts.append(_act(name, next(queues[name]), is_at_once=is_at_once))
            is_at_once = False
    return tuple(replace(act, is_at_once=True) for act in acts) if is_at_once else tuple(acts)


def _act(name: str, value: object, *, is_at_once: bool) -> Act:
    text = str(value)
    if name == "press":
        return Press(is_at_once, parse_keys(text))
    if name == "say":
        if not text.strip():
            raise ConfigError("--say: there is no text; give one to be spoken")
        return Say(is_at_once, text)
    if name == "play":
        return Play(is_at_once, Path(text))
    return Wait(True, float(text))
