"""German."""

from __future__ import annotations

from collections.abc import Sequence

from ivr.flow.languages.base import Language

_UNITS = {
    word: value
    for value, word in enumerate(
        ["null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf", "dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn"]
    )
} | {"zwo": 2, "ein": 1, "eine": 1}
_TENS = {
    word: 10 * value
    for value, word in enumerate(["zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"], 2)
}
_STEMS = {"ein": 1, "zwei": 2, "drei": 3, "vier": 4, "fünf": 5, "sechs": 6, "sieben": 7, "acht": 8, "neun": 9}
_COMPOUNDS = {f"{stem}und{ten}": unit + tens for stem, unit in _STEMS.items() for ten, tens in _TENS.items()}
_SMALL = {**_UNITS, **_TENS, **_COMPOUNDS}
_SCALES = {"hundert": 100, "tausend": 1000, "million": 1_000_000, "millionen": 1_000_000}


def read_number(words: Sequence[str]) -> int | None:
    """Whole number of words such as "zwei hundert fünf"; a plain run of digits is read digit by digit."""
    if len(words) > 1 and all(word in _UNITS and _UNITS[word] < 10 for word in words):
        return int("".join(str(_UNITS[word]) for word in words))
    total, group, has_small = 0, 0, False
    for word in words:
        if word == "und":
            continue
        if word == "hundert":
            group, has_small = max(group, 1) * 100, False
        elif word in _SCALES:
            total, group, has_small = total + max(group, 1) * _SCALES[word], 0, False
        elif word in _SMALL and not has_small:
            group, has_small = group + _SMALL[word], True
        else:
            return None
    return total + group if any(word != "und" for word in words) else None


GERMAN = Language(
    tag="de",
    yes=("ja", "jawohl", "ja bitte", "genau", "richtig", "stimmt", "klar", "gerne", "okay", "ja genau"),
    no=("nein", "nee", "nein danke", "falsch", "stimmt nicht", "auf keinen fall"),
    digits={word: str(value) for word, value in _UNITS.items() if value < 10 and word not in ("ein", "eine")},
    repeats={"doppel": 2},
    number_words=(*_SMALL, *_SCALES, "und"),
    read_number=read_number,
    confirm_prompt="Ich habe {{ heard }} verstanden. Ist das richtig?",
    no_input="Ich habe leider nichts gehört.",
    no_match="Das habe ich leider nicht verstanden.",
    letters={},
)
