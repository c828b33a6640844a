"""German."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ivr.flow.languages import de_calendar
from ivr.flow.languages.base import Calendar, Language, QueueWords
from ivr.flow.languages.de_money import MONEY

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


_COMPOUND = re.compile(r"(?=.)(?:(.*?)tausend)?(?:und)?(?:(.*?)hundert)?(?:und)?(.*)")


def _apart(word: str) -> list[str]:
    """The words in a compound: "zweihundertfünf" is "zwei hundert fünf"; the word itself where it is none."""
    if word in _SMALL or word in _SCALES or not ("hundert" in word or "tausend" in word):
        return [word]
    found = _COMPOUND.fullmatch(word)
    assert found is not None  # its last group takes everything
    parts: list[str] = []
    for piece, scale in ((found[1], "tausend"), (found[2], "hundert"), (found[3], "")):
        if piece is not None and (piece or scale):
            parts += ([*_apart(piece)] if piece else []) + ([scale] if scale else [])
    return parts if all(part in _SMALL or part in _SCALES for part in parts) else [word]


def _joined(words: Sequence[str]) -> list[str]:
    """Compounds taken apart, those that were heard in pieces put together: "fünf und zwanzig" is "fünfundzwanzig"."""
    joined, at = [part for word in words for part in _apart(word)], 0
    while at + 2 < len(joined):
        compound = "".join(joined[at : at + 3])
        if compound in _COMPOUNDS:
            joined[at : at + 3] = [compound]
        at += 1
    return joined


_YES = (
    "ja", "jawohl", "ja bitte", "genau", "richtig", "stimmt", "klar", "gerne", "okay", "ja genau", "jo", "jep", "jup",
    "jaja", "ja ja", "ja gerne", "ja klar", "ja richtig", "das stimmt", "stimmt so", "das ist richtig", "ganz genau",
    "na klar", "aber klar", "alles klar", "natürlich", "selbstverständlich", "sicher", "aber sicher", "passt",
    "das passt", "passt so", "in ordnung", "einverstanden", "korrekt", "gut", "sehr gut", "unbedingt", "auf jeden fall",
    "so ist es", "freilich", "absolut", "bestimmt", "mach das", "warum nicht", "logisch", "gern",
)  # fmt: skip

_NO = (
    "nein", "nee", "nicht", "nein danke", "falsch", "stimmt nicht", "auf keinen fall", "nicht richtig",
    "das ist falsch", "nö", "ne", "nein nein", "ach nein", "das stimmt nicht", "nein das stimmt nicht",
    "nein das ist falsch", "das ist nicht richtig", "das ist nicht korrekt", "nicht ganz", "eher nicht",
    "lieber nicht", "auf gar keinen fall", "keinesfalls", "niemals", "nie", "überhaupt nicht", "gar nicht",
    "natürlich nicht", "sicher nicht", "bestimmt nicht", "passt nicht", "das passt nicht", "passt mir nicht",
    "danke nein", "negativ", "leider nein", "leider nicht", "nicht wirklich", "nicht korrekt", "nein leider nicht",
    "kein interesse",
)  # fmt: skip

_SMALL_WORDS = (
    "der", "die", "das", "den", "dem", "des", "ein", "eine", "einen", "einem", "einer", "mein", "meine", "meinen",
    "meiner", "ihr", "ihre", "ihren", "ich", "sie", "wir", "mir", "mich", "es", "ist", "sind", "war", "bin", "habe",
    "hat", "haben", "kann", "können", "könnte", "möchte", "will", "würde", "soll", "brauche", "hätte", "gerne",
    "gern", "bitte", "zu", "zur", "zum", "von", "vom", "in", "im", "an", "am", "auf", "mit", "für", "über", "und",
    "oder", "was", "wie", "mal", "so", "jetzt", "da", "hier", "noch", "frage", "wegen", "um", "etwas",
)  # fmt: skip
_SYNONYMS = (
    ("person", "mensch", "mitarbeiter", "mitarbeiterin", "berater", "beraterin", "jemand", "jemanden", "kollege"),
    ("rechnung", "beleg", "quittung"),
    ("bestellung", "auftrag", "bestellt"),
    ("kündigen", "kündigung", "stornieren", "storno"),
    ("termin", "buchung", "reservierung"),
    ("problem", "störung", "fehler", "kaputt", "defekt"),
    ("öffnungszeiten", "geöffnet", "offen", "wann"),
    ("adresse", "anschrift", "wo", "standort"),
    ("lieferung", "versand", "paket", "sendung"),
    ("preis", "kosten", "kostet"),
    ("ändern", "änderung", "verschieben", "umbuchen"),
    ("beschwerde", "beschweren", "reklamation"),
)
_FILLERS = (
    "äh", "ähm", "bitte", "der", "die", "das", "den", "dem", "am", "um", "für", "im", "in", "ist", "es", "ich",
    "wir", "sind", "möchte", "möchten", "würde", "gern", "gerne", "hätte", "und", "mit", "ab", "zu", "von",
    "also", "einen", "dann", "so", "gegen",
)  # fmt: skip

LANGUAGE = Language(
    tag="de",
    yes=_YES,
    no=_NO,
    digits={word: str(value) for word, value in _UNITS.items() if value < 10 and word not in _ARTICLES},
    alike={"zwo": "zwei", "viel": "vier"},
    repeats={"doppel": 2, "doppelt": 2, "dreifach": 3, "dreimal": 3, "zweimal": 2},
    number_words=(*_SMALL, *_SCALES, "und"),
    read_number=read_number,
    confirm_prompt="Ich habe {{ heard }} verstanden. Ist das richtig?",
    no_input="Ich habe leider nichts gehört.",
    no_match="Das habe ich leider nicht verstanden.",
    help=("hilfe",),
    no_leads=(
        "sondern",
        "ich meine",
        "ich meinte",
        "doch",
        "lieber",
        "eher",
        "das ist",
        "es ist",
        "ich habe",
        "besser",
    ),
    against=("nicht", "kein", "keine", "keinen"),
    but=("aber", "nur", "außer", "bis auf"),
    fillers=frozenset(_FILLERS),
    stemmer="german",
    small_words=frozenset(_SMALL_WORDS),
    negations=("kein", "keine", "keinen", "nie", "ohne"),
    synonyms=_SYNONYMS,
    cues={"time": frozenset({"um", "gegen", "ab"}), "date": frozenset({"am"}), "number": frozenset({"für", "zu"})},
    calendar=Calendar(
        de_calendar.date_words(),
        lambda words, is_month_first: de_calendar.read_date(words, is_month_first, read_number),
        de_calendar.say_date,
        de_calendar.time_words(),
        de_calendar.read_time,
        de_calendar.say_time,
    ),
    money=MONEY,
    plus=("plus",),
    which_one="Meinen Sie {{ first }} oder {{ second }}?",
    which_words=(
        ("das erste", "ersteres", "morgens", "früh", "am vormittag", "vormittags", "vormittag", "nachts"),
        ("das zweite", "letzteres", "abends", "nachmittags", "am nachmittag", "am abend", "nachmittag", "abend"),
    ),
    too_long="Dieser Anruf hat die längste Dauer erreicht. Auf Wiederhören.",
    queue=QueueWords(
        next="Sie sind als Nächstes an der Reihe.",
        position="Sie sind auf Platz {{ number | number }} der Warteschlange.",
        soon="Die Wartezeit beträgt weniger als eine Minute.",
        one_minute="Die Wartezeit beträgt etwa eine Minute.",
        minutes="Die Wartezeit beträgt etwa {{ number | number }} Minuten.",
        long="Die Wartezeit beträgt mehr als eine Stunde.",
        no_callback="Unter dieser Nummer können wir Sie leider nicht zurückrufen. Bitte bleiben Sie in der Leitung.",
    ),
    change_what="Was soll ich ändern?",
    changed="Gut, {{ heard }}.",
    for_choice="Für {{ name }} drücken Sie {{ keys }}.",
    review="Um Ihre Nachricht zu behalten, drücken Sie die 1. Zum Anhören die 2. Um neu aufzunehmen, die 3.",
    review_words=(
        ("behalten", "speichern", "absenden", "senden"),
        ("anhören", "abspielen", "hören"),
        ("neu", "aufnehmen", "neu aufnehmen", "noch einmal aufnehmen"),
    ),
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
