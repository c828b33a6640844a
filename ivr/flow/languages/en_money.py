"""English amounts of money."""

from __future__ import annotations

from ivr.flow.languages.base import Currency, Money


def _currency(unit: str, units: str, cent: str, cents: str, *also: str) -> Currency:
    return Currency((unit, units), (cent, cents), tuple(dict.fromkeys((unit, units, *also))), (cent, cents))


def say(units: str, cents: str) -> str:
    """ "twelve euros and fifty cents"."""
    return f"{units} and {cents}" if units and cents else units or cents


MONEY = Money(
    currencies={
        "EUR": _currency("euro", "euros", "cent", "cents"),
        "USD": _currency("dollar", "dollars", "cent", "cents", "bucks"),
        "CAD": _currency("dollar", "dollars", "cent", "cents"),
        "AUD": _currency("dollar", "dollars", "cent", "cents"),
        "NZD": _currency("dollar", "dollars", "cent", "cents"),
        "GBP": Currency(("pound", "pounds"), ("penny", "pence"), ("pound", "pounds"), ("penny", "pence", "p")),
        "CHF": Currency(("franc", "francs"), ("rappen", "rappen"), ("franc", "francs"), ("rappen", "centimes")),
    },
    point=("point",),
    joins=frozenset({"and"}),
    ones=frozenset({"a", "one"}),
    one="one",
    say=say,
)
