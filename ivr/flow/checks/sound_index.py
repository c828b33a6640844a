"""Finds sounds that are nearly the same among many, without comparing each with each. Pure.

Of `limit` + 1 pieces of one text, one is untouched by `limit` edits. Texts with a piece in common are looked up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import ceil

from ivr.flow.edit_distance import pieces

NEAR = 0.25
"""Sounds that differ by at most this part of the longer word are nearly the same."""

_LONGEST_PIECE = ceil(1 / NEAR)


def most_edits(length: int) -> int:
    """By so many edits may two sounds differ, of which the longer one has so many characters."""
    return int(NEAR * length)


def _parts(text: str) -> Iterator[str]:
    """Everything in it that can be a piece of another text."""
    for length in range(1, _LONGEST_PIECE + 1):
        for begin in range(len(text) - length + 1):
            yield text[begin : begin + length]


class SoundIndex:
    """Some sounds, to look for those that may be near another one."""

    def __init__(self, sounds: Sequence[str]) -> None:
        """Empty ones are found by nothing."""
        self._sounds = sounds
        self._of_length: dict[int, list[int]] = defaultdict(list)
        self._with_part: dict[tuple[int, str], list[int]] = defaultdict(list)
        self._with_piece: dict[tuple[int, int], dict[str, list[int]]] = {}
        for place, sound in enumerate(sounds):
            if sound:
                self._of_length[len(sound)].append(place)
            for part in dict.fromkeys(_parts(sound)):
                self._with_part[len(sound), part].append(place)

    def may_be_near(self, sound: str) -> list[int]:
        """Places of all that are near, and of some that are not, in their order."""
        found: set[int] = set()
        for length in self._of_length if sound else ():
            limit = most_edits(max(length, len(sound)))
            if abs(length - len(sound)) > limit:
                continue
            if length >= len(sound):
                for piece in pieces(sound, limit):
                    found.update(self._with_part.get((length, piece), ()))
            else:
                known = self._by_piece(length, limit)
                for part in _parts(sound):
                    found.update(known.get(part, ()))
        return sorted(found)

    def _by_piece(self, length: int, limit: int) -> dict[str, list[int]]:
        """The sounds of a length, by their pieces."""
        known = self._with_piece.get((length, limit))
        if known is None:
            known = self._with_piece[length, limit] = defaultdict(list)
            for place in self._of_length[length]:
                for piece in pieces(self._sounds[place], limit):
                    known[piece].append(place)
        return known
