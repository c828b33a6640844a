"""An amount of money: "twelve fifty", "zwölf Euro fünfzig"; keyed with * as decimal point, or in cents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ivr.flow.digits import DigitRules
from ivr.flow.grammar import digit_words
from ivr.flow.languages.base import Currency, Language
from ivr.flow.model import ValueSettings
from ivr.flow.speaking import money
from ivr.flow.values.base import Asked, Kind, Reading, Trouble, empty_range, is_outside

LONGEST_ENTRY = 12

POINT = "*"


class Amount(Kind):
    """Kept as a number with two decimals. Only words for its own currency are listened for."""

    name = "amount"
    options = ("minimum", "maximum", "currency", "keyed", "terminator")

    def entry(self, asked: Asked) -> DigitRules:
        settings = asked.settings
        return DigitRules(1, LONGEST_ENTRY, settings.terminator, "" if settings.keyed == "cents" else POINT)

    def words(self, asked: Asked) -> tuple[str, ...]:
        language = asked.language
        said = _currency(asked)
        units = (*said.heard, *said.heard_cent) if said else ()
        return (*digit_words(language), *language.money.point, *language.money.joins, *units)

    def from_keys(self, asked: Asked, typed: str) -> Reading | None:
        if asked.settings.keyed == "cents":
            return self._reading(asked, int(typed))
        units, _, cents = typed.partition(POINT)
        if POINT in cents or len(cents) > 2:
            return None
        return self._reading(asked, int(units) * 100 + int((cents + "00")[:2]))

    def from_speech(self, asked: Asked, words: Sequence[str]) -> Reading | None:
        cents = [hundredths for hundredths in amounts_in(words, asked.language, _currency(asked)) if hundredths >= 0]
        if not cents:
            return None
        allowed = [each for each in cents if not is_outside(asked.settings, each / 100)]
        return self._reading(asked, (allowed or cents)[0])

    def _reading(self, asked: Asked, cents: int) -> Reading:
        value = round(cents / 100, 2)
        return Reading(value, is_outside(asked.settings, value))

    def spoken(self, asked: Asked, value: object) -> str:
        return money(asked.tag, value, asked.settings.currency or asked.currency)

    def troubles(self, settings: ValueSettings) -> Iterator[Trouble]:
        yield from empty_range(settings)
        if settings.keyed != "cents" and settings.terminator == POINT:
            message = '* is the decimal point here and cannot end the entry; write `keyed: cents`, or `terminator: "#"`'
            yield Trouble(("terminator",), message, "point_ends_entry", False)


def _currency(asked: Asked) -> Currency | None:
    return asked.language.money.currencies.get(asked.settings.currency or asked.currency)


def amounts_in(words: Sequence[str], language: Language, currency: Currency | None) -> list[int]:
    """What the words may mean, in hundredths, the likeliest first; nothing where they are no amount."""
    said = list(words)
    units = set(currency.heard) if currency else set()
    small = set(currency.heard_cent) if currency else set()
    at = next((at for at, word in enumerate(said) if word in units), None)
    if at is not None:
        return _with_unit(said[:at], said[at + 1 :], language, small)
    if said[-1:] and said[-1] in small:
        cents = _whole(said[:-1], language)
        return [cents] if cents is not None else []
    return _plain(said, language)


def _with_unit(before: list[str], after: list[str], language: Language, small: set[str]) -> list[int]:
    """ "twelve euros [and] fifty [cents]", "twelve point five euros"."""
    if not after:
        return _plain(before, language)[:1]
    units = _whole(before, language)
    rest = [word for word in after if word not in language.money.joins]
    if rest[-1:] and rest[-1] in small:
        rest = rest[:-1]
    cents = _whole(rest, language)
    return [units * 100 + cents] if units is not None and cents is not None and cents < 100 else []


def _plain(words: list[str], language: Language) -> list[int]:
    """ "twelve fifty", "fifty", "twelve point five", "one oh five"."""
    for at, word in enumerate(words):
        if word in language.money.point:
            return _with_point(words[:at], words[at + 1 :], language)
    found = [] if (whole := _whole(words, language)) is None else [whole * 100]
    for at in range(len(words) - 1, 0, -1):
        units, cents = _whole(words[:at], language), _cents(words[at:], language)
        if units is not None and cents is not None:
            return [*found, units * 100 + cents]
    return found


def _with_point(before: list[str], after: list[str], language: Language) -> list[int]:
    units, digits = _whole(before, language), [language.digits.get(word) for word in after]
    if units is None or not after:
        return []
    if len(after) <= 2 and all(digits):
        return [units * 100 + int(("".join(str(digit) for digit in digits) + "0")[:2])]
    cents = _whole(after, language)
    return [units * 100 + cents] if cents is not None and 10 <= cents < 100 else []


def _whole(words: Sequence[str], language: Language) -> int | None:
    if len(words) == 1 and (words[0] in language.money.ones or words[0].isdigit()):
        return 1 if words[0] in language.money.ones else int(words[0][:9])
    return language.read_number(list(words)) if words else None


def _cents(words: Sequence[str], language: Language) -> int | None:
    """Hundredths behind the units: ten and more, or "oh five"."""
    if len(words) == 2 and language.digits.get(words[0]) == "0" and words[1] in language.digits:
        return int(language.digits[words[1]])
    cents = _whole(words, language)
    return cents if cents is not None and 10 <= cents < 100 else None
