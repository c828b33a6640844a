"""German days and times, as callers say them and as they are read back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, time

from ivr.flow.languages.moments import (
    DayMonth,
    InDays,
    InMonths,
    Rule,
    SpokenDay,
    SpokenTime,
    Token,
    Weekday,
    day_month,
    first_rule,
    tokens_of,
)

WEEKDAYS = ("montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag", "sonntag")
MONTHS = (
    "januar", "februar", "märz", "april", "mai", "juni", "juli", "august", "september", "oktober", "november",
    "dezember",
)  # fmt: skip
_OTHER_MONTHS = {"jänner": 1, "feber": 2, "juno": 6, "julei": 7}
_UNITS = (
    "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf", "dreizehn",
    "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn",
)  # fmt: skip
_STEMS = ("ein", *_UNITS[1:9])
_TENS = ("zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig")
_ORDINALS = (
    "erst", "zweit", "dritt", "viert", "fünft", "sechst", "siebt", "acht", "neunt", "zehnt", "elft", "zwölft",
    "dreizehnt", "vierzehnt", "fünfzehnt", "sechzehnt", "siebzehnt", "achtzehnt", "neunzehnt", "zwanzigst",
    *(f"{stem}undzwanzigst" for stem in _STEMS), "dreißigst", "einunddreißigst",
)  # fmt: skip
_ENDINGS = ("en", "er", "e", "es")


def _days() -> dict[str, int]:
    days = {f"{stem}{ending}": number for number, stem in enumerate(_ORDINALS, 1) for ending in _ENDINGS}
    days |= {f"siebent{ending}": 7 for ending in _ENDINGS}
    pieces = {f"{stem} und zwanzigst{ending}": 20 + n for n, stem in enumerate(_STEMS, 1) for ending in _ENDINGS}
    return days | pieces | {f"ein und dreißigst{ending}": 31 for ending in _ENDINGS}


def _small_numbers() -> dict[str, int]:
    numbers = {word: number for number, word in enumerate(_UNITS, 1)} | {"null": 0, "zwo": 2, "ein": 1}
    for tens, word in enumerate(_TENS, 2):
        numbers[word] = 10 * tens
        numbers |= {f"{stem}und{word}": 10 * tens + n for n, stem in enumerate(_STEMS, 1)}
        numbers |= {f"{stem} und {word}": 10 * tens + n for n, stem in enumerate(_STEMS, 1)}
    return numbers


_NUMBERS = _small_numbers()
_EDGES = (
    "am",
    "den",
    "der",
    "dem",
    "des",
    "im",
    "bitte",
    "für",
    "um",
    "gegen",
    "ab",
    "von",
    "äh",
    "und",
    "dann",
    "das",
)
_NEXT = ("nächsten", "nächster", "nächste", "nächstes", "kommenden", "kommende", "kommender")
_LAST = ("letzten", "letzter", "letzte", "letztes", "vergangenen", "vergangene")

_DATE_PHRASES: dict[str, Token] = {
    **dict.fromkeys(_EDGES, ("", None)),
    **{word: ("W", number) for number, word in enumerate(WEEKDAYS)},
    "sonnabend": ("W", 5),
    **{word: ("M", number) for number, word in enumerate(MONTHS, 1)},
    **{word: ("M", number) for word, number in _OTHER_MONTHS.items()},
    **{word: ("D", number) for word, number in _days().items()},
    **{word: ("N", number) for word, number in _NUMBERS.items()},
    "heute": ("O", 0), "morgen": ("O", 1), "übermorgen": ("O", 2), "gestern": ("O", -1), "vorgestern": ("O", -2),
    **dict.fromkeys(_NEXT, ("n", None)),
    **dict.fromkeys(_LAST, ("l", None)),
    **dict.fromkeys(("diesen", "dieser", "diese", "diesem", "dieses"), ("t", None)),
    **dict.fromkeys(("übernächsten", "übernächster", "übernächste"), ("x", None)),
    "tag": ("d", None), "tagen": ("d", None), "tage": ("d", None), "woche": ("w", None), "wochen": ("w", None),
    "monat": ("m", None), "monaten": ("m", None), "monate": ("m", None),
    "jahr": ("y", None), "jahren": ("y", None), "jahre": ("y", None),
    "in": ("i", None), "vor": ("v", None), "einem": ("N", 1), "einer": ("N", 1), "eine": ("N", 1),
}  # fmt: skip

_DATE_RULES: tuple[Rule, ...] = (
    ("O", InDays),
    ("[nt]?W", Weekday),
    ("lW", lambda weekday: Weekday(weekday, is_last=True)),
    ("xW", lambda weekday: Weekday(weekday, weeks=1)),
    ("Wnw|nwW", lambda weekday: Weekday(weekday, in_next_week=True)),
    ("xwW|Wxw", lambda weekday: Weekday(weekday, weeks=1, in_next_week=True)),
    ("WiNw", lambda weekday, weeks: Weekday(weekday, weeks)),
    ("OiNw", lambda days, weeks: InDays(days + 7 * weeks)),
    ("i?nw", lambda: InDays(7)),
    ("iNd", InDays),
    ("iNw", lambda weeks: InDays(7 * weeks)),
    ("iNm", InMonths),
    ("iNy", lambda years: InMonths(12 * years)),
    ("vNd", lambda days: InDays(-days)),
    ("vNw", lambda weeks: InDays(-7 * weeks)),
    ("vNm", lambda months: InMonths(-months)),
    ("vNy", lambda years: InMonths(-12 * years)),
    ("D", lambda day: DayMonth(day)),
    ("WD", lambda weekday, day: day_month(day, None, weekday=weekday)),
    ("[DN][MD]N{0,2}", lambda day, month, *year: day_month(day, month, *year)),
    ("W[DN][MD]N{0,2}", lambda weekday, day, month, *year: day_month(day, month, *year, weekday=weekday)),
    ("N{2,4}", lambda day, month, *year: day_month(day, month, *year)),
)


def read_date(
    words: Sequence[str], is_month_first: bool, read_number: Callable[[Sequence[str]], int | None]
) -> SpokenDay | None:
    """ "nächsten Freitag", "am dritten Mai", "in einer Woche", "dritter fünfter"; the day always comes first."""

    def number(rest: Sequence[str]) -> tuple[Token, int]:
        if rest[0].isdigit() and len(rest[0]) <= 4:
            return ("N", int(rest[0])), 1
        value = read_number(rest[:1])
        return (("N", value), 1) if value is not None and value < 10_000 else (("", None), 0)

    tokens = tokens_of(_with_whole_years(words, read_number), _DATE_PHRASES, number)
    found: SpokenDay | None = first_rule(tokens, _DATE_RULES) if tokens else None
    return found


def _with_whole_years(words: Sequence[str], read_number: Callable[[Sequence[str]], int | None]) -> list[str]:
    """A year that was heard in pieces ("zwei tausend sechs und zwanzig", "neunzehn hundert vier") as figures."""
    said = list(words)
    at = next((at for at, word in enumerate(said) if word in ("tausend", "hundert")), 0)
    year = read_number(said[at - 1 :]) if at else None
    return said if year is None else [*said[: at - 1], str(year)]


def date_words() -> tuple[str, ...]:
    """Words to listen for; the longer ones tell a recognizer which words go together."""
    return (
        *WEEKDAYS, "sonnabend", *(f"nächsten {day}" for day in WEEKDAYS), *MONTHS, "jänner",
        *(f"{stem}en" for stem in _ORDINALS), *(f"{stem}er" for stem in _ORDINALS), *_UNITS, *_TENS, "zweitausend",
        *(f"{stem}undzwanzig" for stem in _STEMS), "tausend", "hundert",
        "heute", "morgen", "übermorgen", "gestern", "am", "den", "der", "diesen", "nächste woche", "letzten",
        "in einer woche", "in zwei wochen", "in drei wochen", "in vier wochen", "in einem monat", "in drei tagen",
        "vor",
    )  # fmt: skip


def say_date(day: date, region: str, with_year: bool) -> str:
    """ "Freitag, den vierten Dezember"."""
    weekday, month = WEEKDAYS[day.weekday()].title(), MONTHS[day.month - 1].title()
    return f"{weekday}, den {_ORDINALS[day.day - 1]}en {month}" + (f" {day.year}" if with_year else "")


# --- times

_TIME_PHRASES: dict[str, Token] = {
    **dict.fromkeys((*_EDGES, "minuten", "minute", "kurz", "so", "punkt", "es", "ist"), ("", None)),
    **{word: ("N", number) for word, number in _NUMBERS.items()},
    "halb": ("h", None), "viertel": ("q", None), "dreiviertel": ("e", None), "drei viertel": ("e", None),
    "nach": ("p", None), "vor": ("t", None), "uhr": ("c", None),
    "mittag": ("T", SpokenTime(12, 0, "24")), "mittags": ("A", "noon"), "mitternacht": ("T", SpokenTime(0, 0, "24")),
    **dict.fromkeys(("morgens", "früh", "in der früh", "am morgen", "vormittags", "am vormittag"), ("A", "am")),
    **dict.fromkeys(("nachmittags", "am nachmittag", "abends", "am abend", "heute abend"), ("A", "pm")),
    **dict.fromkeys(("nachts", "in der nacht"), ("A", "night")),
}  # fmt: skip


def _time(hour: int, minute: int, half: str = "") -> SpokenTime | None:
    if not (0 <= hour <= 24 and 0 <= minute <= 59):
        return None
    if half == "noon":
        half = "am" if hour == 11 else "pm"
    return SpokenTime(hour % 24, minute, "24" if hour > 12 or hour == 0 else half)


def _before(minutes: int, hour: int, half: str = "") -> SpokenTime | None:
    return _time(hour - 1 or 12, 60 - minutes, half) if hour > 0 else _time(23, 60 - minutes)


def _around_half(minutes: int, hour: int, half: str = "") -> SpokenTime | None:
    return _time(hour - 1 or 12, 30 + minutes, half)


_TIME_RULES: tuple[Rule, ...] = (
    ("T", lambda moment: moment),
    ("A", lambda half: SpokenTime(12, 0, "24") if half == "noon" else None),
    ("Nc?A?", lambda hour, half="": _time(hour, 0, half)),
    ("ANc?", lambda half, hour: _time(hour, 0, half)),
    ("Nc?NA?", lambda hour, minute, half="": _time(hour, minute, half)),
    ("ANc?N", lambda half, hour, minute: _time(hour, minute, half)),
    ("hNc?A?", lambda hour, half="": _before(30, hour, half)),
    ("AhN", lambda half, hour: _before(30, hour, half)),
    ("qpNc?A?", lambda hour, half="": _time(hour, 15, half)),
    ("qtNc?A?", lambda hour, half="": _before(15, hour, half)),
    ("eNc?A?", lambda hour, half="": _before(15, hour, half)),
    ("qNc?A?", lambda hour, half="": _before(45, hour, half)),
    ("NpNc?A?", lambda minute, hour, half="": _time(hour, minute, half)),
    ("NtNc?A?", lambda minute, hour, half="": _before(minute, hour, half)),
    ("NphNA?", lambda minute, hour, half="": _around_half(minute, hour, half)),
    ("NthNA?", lambda minute, hour, half="": _around_half(-minute, hour, half)),
)


def _figure(words: Sequence[str]) -> tuple[Token, int]:
    return (("N", int(words[0])), 1) if words[0].isdigit() and len(words[0]) <= 2 else (("", None), 0)


def read_time(words: Sequence[str]) -> SpokenTime | None:
    """ "halb vier", "viertel nach neun", "sieben Uhr dreißig", "fünf vor halb acht"."""
    tokens = tokens_of(words, _TIME_PHRASES, _figure)
    found: SpokenTime | None = first_rule(tokens, _TIME_RULES) if tokens else None
    return found


def time_words() -> tuple[str, ...]:
    """Words to listen for."""
    return (
        *_UNITS, "null", "ein uhr", *_TENS[:4], *(f"{s}und{t}" for t in _TENS[:4] for s in _STEMS), "um", "uhr", "halb",
        "viertel nach", "viertel vor", "dreiviertel", "nach", "vor", "morgens", "mittags", "nachmittags", "abends",
        "nachts", "am vormittag", "am nachmittag", "am abend", "mittag", "mitternacht", "gegen",
    )  # fmt: skip


def say_time(moment: time, region: str) -> str:
    """ "15 Uhr 30", "8 Uhr"."""
    return f"{moment.hour} Uhr" + (f" {moment.minute}" if moment.minute else "")
