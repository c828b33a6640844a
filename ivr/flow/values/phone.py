"""A telephone number, spoken in groups or keyed; kept in the international form (E.164)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ivr.flow import speaking
from ivr.flow.digits import DigitRules
from ivr.flow.grammar import digit_words, spoken_digits
from ivr.flow.model import ValueSettings
from ivr.flow.values.base import Asked, Kind, Reading, Trouble
from ivr.language_tags import country_of

SHORTEST, LONGEST = 3, 20
"""Digits; the longest number has 15, and a prefix for calls abroad."""


class Phone(Kind):
    """ "oh three oh, double one two", "plus four nine three oh"; numbers that no telephone has are not taken."""

    name = "phone"
    options = ("region", "terminator")

    def entry(self, asked: Asked) -> DigitRules:
        return DigitRules(SHORTEST, LONGEST, asked.settings.terminator)

    def words(self, asked: Asked) -> tuple[str, ...]:
        return (*digit_words(asked.language), *asked.language.plus)

    def allows_unknown(self, asked: Asked) -> bool:
        return False

    def from_keys(self, asked: Asked, typed: str) -> Reading:
        number = e164(typed, asked.settings.region or country_of(asked.tag))
        return Reading(number or typed, is_invalid=number is None)

    def from_speech(self, asked: Asked, words: Sequence[str]) -> Reading | None:
        said = list(words)
        has_plus = said[:1] != [] and said[0] in asked.language.plus
        digits = spoken_digits(" ".join(said[1:] if has_plus else said), asked.language)
        return Reading(("+" if has_plus else "") + digits, is_part=True) if digits else None

    def spoken(self, asked: Asked, value: object) -> str:
        return speaking.phone(asked.tag, value)

    def troubles(self, settings: ValueSettings) -> Iterator[Trouble]:
        if settings.region is not None and settings.region not in _regions():
            message = f"there is no country '{settings.region}'; write its two letters, such as DE or US"
            yield Trouble(("region",), message, "bad_value", False)


def _regions() -> frozenset[str]:
    import phonenumbers

    return frozenset(phonenumbers.SUPPORTED_REGIONS)


def e164(typed: str, country: str) -> str | None:
    """A number in the international form; None where no telephone can have it."""
    import phonenumbers

    try:
        number = phonenumbers.parse(typed, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def can_be_called(number: str, country: str) -> str | None:
    """The number in the international form, where the bot may call it: a telephone can have it, and calls to it are
    not what its owner lives on. None otherwise."""
    import phonenumbers

    known = e164(number, country)
    if known is None:
        return None
    kind = phonenumbers.number_type(phonenumbers.parse(known))
    is_dear = kind in (phonenumbers.PhoneNumberType.PREMIUM_RATE, phonenumbers.PhoneNumberType.SHARED_COST)
    return None if is_dear else known
