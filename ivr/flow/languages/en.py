"""English."""

from __future__ import annotations

from collections.abc import Sequence

from ivr.flow.languages.base import Language

_UNITS = {
    word: value
    for value, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
}
_TENS = {
    word: 10 * value
    for value, word in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2)
}
_NOTHING_YET = 1_000_000_000
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}


def _small(word: str) -> int | None:
    return {**_UNITS, **_TENS, "oh": 0}.get(word)


def read_number(words: Sequence[str]) -> int | None:
    """Whole number of words such as "one hundred and five"; a plain run of digits is read digit by digit."""
    if len(words) > 1 and all(word in _UNITS and _UNITS[word] < 10 for word in words):
        return int("".join(str(_UNITS[word]) for word in words))
    total, group, last, scale = 0, 0, _NOTHING_YET, _NOTHING_YET
    for word, following in zip(words, [*words[1:], ""], strict=False):
        if word == "and" or (word == "a" and following in _SCALES and last >= 100):
            continue
        if word == "hundred" and group < 100:
            group, last = max(group, 1) * 100, 100
        elif word != "hundred" and _SCALES.get(word, scale) < scale:
            scale, last = _SCALES[word], _NOTHING_YET
            total, group = total + max(group, 1) * scale, 0
        else:
            value = _small(word)
            if value is None or not _fits(value, last):
                return None
            group, last = group + value, value
    return total + group if any(word != "and" for word in words) else None


def _fits(value: int, last: int) -> bool:
    """Whether a number word may follow another: "twenty five" yes, "five twenty" no."""
    return last >= 100 or (last in _TENS.values() and 0 < value < 10)


ENGLISH = Language(
    tag="en",
    yes=(
        "yes",
        "yeah",
        "yep",
        "yup",
        "sure",
        "correct",
        "right",
        "that's right",
        "okay",
        "of course",
        "exactly",
        "yes please",
    ),
    no=(
        "no",
        "nope",
        "nah",
        "wrong",
        "incorrect",
        "no thanks",
        "not really",
        "negative",
        "not right",
        "not correct",
        "that's wrong",
    ),
    digits={"oh": "0", **{word: str(value) for word, value in _UNITS.items() if value < 10}},
    repeats={"double": 2, "triple": 3},
    number_words=(*_UNITS, *_TENS, *_SCALES, "and", "oh", "a"),
    read_number=read_number,
    confirm_prompt="I understood {{ heard }}. Is that right?",
    no_input="Sorry, I did not hear anything.",
    no_match="Sorry, I did not understand that.",
    names={"0": "zero", "*": "star", "#": "hash", "+": "plus", "-": "dash", ".": "dot", "@": "at", "/": "slash"},
)
