"""Keys of the telephone: removing doubles, matching key sequences, collecting digits."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from enum import Enum

HELD_KEY_GUARD_S = {"rfc4733": 0.1, "sip_info": 0.3}
"""Keys that began before this much of a call, or of the time after a transfer, are left over from before.

A key still held down when a call comes in is heard again on the new leg: through Asterisk within 10 ms of the answer,
with a duration that reaches back before it. INFO comes at the end of a key and seldom tells how long it was down.
"""

DOUBLE_WINDOW_S = 1.0
"""A key that comes by a second method within this time of the first is the same press: senders that use RFC 4733 and
INFO at once send both within one packet time to a few hundred milliseconds."""


@dataclass(frozen=True, slots=True)
class KeyFilter:
    """Decides which key presses of a leg count. `accept` returns the decision and the filter for the next press.

    One method of a leg is the main one: the first that delivers a key. A key of the other method counts only when the
    main method did not deliver the same digit within DOUBLE_WINDOW_S; each main press excuses one double.
    """

    open_since_s: float
    """When keys began to count: the answer, or the caller's return from a transfer."""
    main_method: str = ""
    unpaired: tuple[tuple[str, float], ...] = field(default=())
    """Main presses (digit, instant) that no double has been seen for."""

    def accept(self, digit: str, method: str, at_s: float, held_s: float = 0.0) -> tuple[bool, KeyFilter]:
        """Whether the press counts. `held_s`: how long the key was down already when it was first seen."""
        if at_s - held_s < self.open_since_s + HELD_KEY_GUARD_S.get(method, 0.3):
            return False, self
        recent = tuple((d, t) for d, t in self.unpaired if at_s - t <= DOUBLE_WINDOW_S)
        main = self.main_method or method
        if method == main:
            return True, replace(self, main_method=main, unpaired=(*recent, (digit, at_s)))
        for index, (seen, _) in enumerate(recent):
            if seen == digit:
                return False, replace(self, unpaired=recent[:index] + recent[index + 1 :])
        return True, replace(self, unpaired=recent)


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


@dataclass(frozen=True, slots=True)
class DigitRules:
    """How long an entry may be and what ends it."""

    min_length: int
    max_length: int
    terminator: str

    def is_complete(self, digits: str) -> bool:
        """Whether nothing more can follow."""
        return len(digits) >= self.max_length

    def is_acceptable(self, digits: str) -> bool:
        """Whether the entry may end here."""
        return self.min_length <= len(digits) <= self.max_length
