"""What follows from a flow alone is worked out once, not for each event of each call. Pure: it changes no result."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

MOST = 20_000
"""Things remembered for one flow: far beyond what a long flow has, a bound against a mistake of ours."""

_T = TypeVar("_T")


class Memory:
    """Belongs to one flow, or a part of one, and goes with it."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._kept: dict[tuple[object, ...], tuple[object, object]] = {}

    def __eq__(self, other: object) -> bool:
        """What is remembered makes no difference between two flows."""
        return isinstance(other, Memory)

    __hash__ = None  # type: ignore[assignment]

    def of(self, owner: object, make: Callable[..., _T], *arguments: object, key: object = None) -> _T:
        """`make(*arguments)`, the first time; `owner` and `key` tell it from others that the same function makes."""
        place = (make, id(owner), key)
        found = self._kept.get(place)
        if found is not None:
            return found[1]  # type: ignore[return-value]
        made = make(*arguments)
        if len(self._kept) >= MOST:
            self._kept.clear()
        self._kept[place] = (owner, made)  # the owner too: its id is its own as long as it lives
        return made
