"""Which flow answers a call (pure)."""

from __future__ import annotations

from collections.abc import Mapping

from ivr.config import NumberSettings


def flow_for(dnis: str, account: str, numbers: Mapping[str, NumberSettings], default_flow: str | None) -> str | None:
    """Name of the flow for a dialled number, or None: nobody answers it.

    A number matches as written, or by its digits when both sides are telephone numbers ("+49 30 1234" is "+49301234").
    An entry that names an account serves calls of that account only.
    """
    for number, entry in numbers.items():
        if _canonical(number) == _canonical(dnis) and entry.account in (None, account):
            return entry.flow
    return default_flow


def _canonical(number: str) -> str:
    compact = "".join(character for character in number if character not in " -/().")
    return compact if compact.lstrip("+").isdigit() else number.lower()
