"""German."""

from __future__ import annotations

from collections.abc import Sequence

from ivr.flow.languages.base import Language

_UNITS = {
    word: value
    for value, word in enumerate(
        [
            "null",
            "eins",
            "zwei",
            "drei",
            "vier",
            "fünf",
            "sechs",
            "sieben",
            "acht",
            "neun",
            "zehn",
            "elf",
            "zwölf",
            "dreizehn",
            "vierzehn",
            "fünfzehn",
            "sechzehn",
            "siebzehn",
            "achtzehn",
            "neunzehn",
        ]
    )
} | {"zwo": 2, "ein": 1, "eine": 1}
_TENS = {
    word: 10 * value
    for value, word in enumerate(
        ["zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"], 2
    )
}
_STEMS = {"ein": 1, "zwei": 2, "drei": 3, "vier": 4, "fünf": 5, "sechs": 6, "sieben": 7, "acht": 8, "neun": 9}
_COMPOUNDS = {f"{stem}und{ten}": unit + tens for stem, unit in _STEMS.items() for ten, tens in _TENS.items()}
_SMALL = {**_UNITS, **_TENS, **_COMPOUNDS}
_ARTICLES = ("ein", "eine")
"""Number words only before "hundert" and the like; else they are articles."""
_NOTHING_YET = 1_000_000_000
_SCALES = {"hundert": 100, "tausend": 1000, "million": 1_000_000, "millionen": 1_000_000}


def read_number(words: Sequence[str]) -> int | None:
    """Whole number of words such as "zwei hundert fünf"; a plain run of digits is read digit by digit."""
    if len(words) > 1 and all(word in _UNITS and _UNITS[word] < 10 for word in words):
        return int("".join(str(_UNITS[word]) for word in words))
    total, group, has_small, scale = 0, 0, False, _NOTHING_YET
    for word, following in zip(words := _joined(words), [*words[1:], ""], strict=False):
        if word == "und":
            continue
        if word == "hundert" and group < 100:
            group, has_small = max(group, 1) * 100, False
        elif word != "hundert" and _SCALES.get(word, scale) < scale:
            scale, has_small = _SCALES[word], False
            total, group = total + max(group, 1) * scale, 0
        elif word in _SMALL and not has_small and (word not in _ARTICLES or following in _SCALES):
            group, has_small = group + _SMALL[word], True
        else:
            return None
    return total + group if any(word != "und" for word in words) else None


def _joined(words: Sequence[str]) -> list[str]:
    """Compounds that were heard in pieces, put together: "fünf und zwanzig" is "fünfundzwanzig"."""
    joined, at = list(words), 0
    while at + 2 < len(joined):
        compound = "".join(joined[at : at + 3])
        if compound in _COMPOUNDS:
            joined[at : at + 3] = [compound]
        at += 1
    return joined


GERMAN = Language(
    tag="de",
    yes=("ja", "jawohl", "ja bitte", "genau", "richtig", "stimmt", "klar", "gerne", "okay", "ja genau"),
    no=("nein", "nee", "nein danke", "falsch", "stimmt nicht", "auf keinen fall", "nicht richtig", "das ist falsch"),
    digits={word: str(value) for word, value in _UNITS.items() if value < 10 and word not in _ARTICLES},
    repeats={"doppel": 2},
    number_words=(*_SMALL, *_SCALES, "und"),
    read_number=read_number,
    confirm_prompt="Ich habe {{ heard }} verstanden. Ist das richtig?",
    no_input="Ich habe leider nichts gehört.",
    no_match="Das habe ich leider nicht verstanden.",
    names={
        "0": "null",
        "*": "Stern",
        "#": "Raute",
        "+": "plus",
        "-": "Strich",
        ".": "Punkt",
        "@": "ät",
        "/": "Schrägstrich",
    },
)
