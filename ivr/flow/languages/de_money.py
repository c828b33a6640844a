"""German amounts of money."""

from __future__ import annotations

from ivr.flow.languages.base import Currency, Money


def _currency(unit: str, cent: str, heard: tuple[str, ...], heard_cent: tuple[str, ...]) -> Currency:
    return Currency((unit, unit), (cent, cent), heard, heard_cent)


def say(units: str, cents: str) -> str:
    """ "zwölf Euro und fünfzig Cent"."""
    return f"{units} und {cents}" if units and cents else units or cents


MONEY = Money(
    currencies={
        "EUR": _currency("Euro", "Cent", ("euro", "euros"), ("cent", "cents")),
        "USD": _currency("Dollar", "Cent", ("dollar",), ("cent", "cents")),
        "GBP": _currency("Pfund", "Pence", ("pfund",), ("pence",)),
        "CHF": _currency("Franken", "Rappen", ("franken",), ("rappen",)),
    },
    point=("komma",),
    joins=frozenset({"und"}),
    ones=frozenset({"ein", "eine", "einen"}),
    one="ein",
    say=say,
)
