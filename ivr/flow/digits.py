"""Keys of the telephone: removing doubles, matching key sequences, collecting digits."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import field, replace
from enum import Enum
from math import inf

from ivr.immutable import immutable

HELD_KEY_GUARD_S = {"rfc4733": 0.1, "sip_info": 0.3}
"""Keys that began before this much of a call, or of the time after a transfer, are left over from before.

A key still held down when a call comes in is heard again on the new leg: through Asterisk within 10 ms of the answer,
with a duration that reaches back before it. INFO comes at the end of a key and seldom tells how long it was down.
"""

OTHER_GUARD_S = 0.3
"""The same for a method that is not in the table."""

DOUBLE_WINDOW_S = 1.0
"""A key that comes by a second method within this time of the first is the same press: senders that use RFC 4733 and
INFO at once send both within one packet time to a few hundred milliseconds."""


@immutable
class KeyFilter:
    """Decides which key presses of a leg count. `accept` returns the decision and the filter for the next press.

    A press is the double of an earlier one when that had the same digit, came by another method within
    DOUBLE_WINDOW_S, and has no double yet. Which of the two comes first does not matter.
    """

    open_since_s: float
    """When keys began to count: the answer, or the caller's return from a transfer."""
    unpaired: tuple[tuple[str, str, float], ...] = field(default=())
    """Presses (digit, method, instant) that no double has been seen for."""

    def accept(self, digit: str, method: str, at_s: float, held_s: float = 0.0) -> tuple[bool, KeyFilter]:
        """Whether the press counts. `held_s`: how long the key was down already when it was first seen."""
        recent = tuple(press for press in self.unpaired if at_s - press[2] <= DOUBLE_WINDOW_S)
        for index, (seen, seen_method, _) in enumerate(recent):
            if seen == digit and seen_method != method:
                return False, replace(self, unpaired=recent[:index] + recent[index + 1 :])
        counts = at_s - held_s >= self.open_since_s + HELD_KEY_GUARD_S.get(method, OTHER_GUARD_S)
        # The double of a key held from before comes when it is released, however late that is.
        return counts, replace(self, unpaired=(*recent, (digit, method, at_s if counts else inf)))


class KeyMatch(Enum):
    """What a typed sequence is against a set of key sequences."""

    NONE = "none"
    """No sequence begins like this."""
    POTENTIAL = "potential"
    """Some sequence begins like this."""
    MATCH = "match"
    """A sequence, and the beginning of a longer one."""
    MAXIMAL = "maximal"
    """A sequence, and no other begins like it."""


def match_keys(typed: str, sequences: Collection[str]) -> KeyMatch:
    """Compare what was typed so far with the sequences that mean something."""
    longer = any(sequence != typed and sequence.startswith(typed) for sequence in sequences)
    if typed in sequences:
        return KeyMatch.MATCH if longer else KeyMatch.MAXIMAL
    return KeyMatch.POTENTIAL if longer else KeyMatch.NONE


@immutable
class DigitRules:
    """How long an entry may be and what ends it."""

    min_length: int
    max_length: int
    terminator: str
    point: str = ""
    """A further key that belongs to the entry, once it has begun."""
    options: tuple[str, ...] = ()
    """The entries there are, where they can be listed: what begins no longer one is complete."""

    def takes(self, key: str) -> bool:
        """Whether a key belongs to the entry."""
        return key.isdigit() or (key == self.point and key != "")

    def is_complete(self, digits: str) -> bool:
        """Whether nothing more can follow."""
        if self.options:
            return not any(option != digits and option.startswith(digits) for option in self.options)
        return len(digits) >= self.max_length

    def is_acceptable(self, digits: str) -> bool:
        """Whether the entry may end here."""
        return self.min_length <= len(digits) <= self.max_length
