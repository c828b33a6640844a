"""How many letters two texts differ by (Levenshtein). Pure."""

from __future__ import annotations

from itertools import pairwise


def within(first: str, second: str, limit: int) -> bool:
    """Whether at most `limit` insertions, deletions and replacements make one text the other (Levenshtein)."""
    short, long = sorted((first, second), key=len)
    if len(long) - len(short) > limit or not _may_be_near(short, long, limit):
        return False
    return edits(short, long) <= limit


def _may_be_near(short: str, long: str, limit: int) -> bool:
    """Of `limit` + 1 pieces of one text, one is untouched by `limit` edits: quick, and right for most pairs."""
    return any(piece in long for piece in pieces(short, limit))


def pieces(text: str, limit: int) -> list[str]:
    """The text in `limit` + 1 parts."""
    count = limit + 1
    cuts = [len(text) * index // count for index in range(count + 1)]
    return [text[begin:end] for begin, end in pairwise(cuts)]


def edits(first: str, second: str) -> int:
    """How many insertions, deletions and replacements make one text the other.

    A column of the table is two integers: where the distance grows by one from row to row, and where it falls (Myers,
    "A fast bit-vector algorithm for approximate string matching", 1999; in the form of Hyyrö, 2003).
    """
    if not first:
        return len(second)
    places: dict[str, int] = {}
    for row, character in enumerate(first):
        places[character] = places.get(character, 0) | 1 << row
    whole, last = (1 << len(first)) - 1, 1 << len(first) - 1
    grows, falls, distance = whole, 0, len(first)
    for character in second:
        same = places.get(character, 0)
        diagonal = same | falls
        across = (((same & grows) + grows) ^ grows) | same
        right_grows, right_falls = falls | ~(across | grows), grows & across
        distance += bool(right_grows & last) - bool(right_falls & last)
        right_grows = right_grows << 1 | 1
        grows = (right_falls << 1 | ~(diagonal | right_grows)) & whole
        falls = right_grows & diagonal & whole
    return distance
