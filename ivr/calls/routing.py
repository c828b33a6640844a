"""Which flow answers a call (pure)."""

from __future__ import annotations

from collections.abc import Mapping

from ivr.config import NumberSettings

DRAFT_SUFFIX = "+draft"
"""Dialled behind a number or a flow's name: the draft of the flow that answers there."""


def flow_for(
    dnis: str,
    account: str,
    numbers: Mapping[str, NumberSettings],
    default_flow: str | None,
    *,
    takes_drafts: bool = True,
) -> str | None:
    """Name of the flow for a dialled number, or None: nobody answers it.

    A number matches as written, or by its digits when both sides are telephone numbers ("+49 30 1234" is "+49301234").
    An entry that names an account serves calls of that account only. With `takes_drafts`, `demo+draft` is the draft of
    the flow that answers `demo`, or else of the flow named so; drafts have no default.
    """
    if name := _mapped(dnis, account, numbers):
        return name
    base = dnis.lower().removesuffix(DRAFT_SUFFIX)
    if not takes_drafts or base == dnis.lower():
        return default_flow
    return (_mapped(base, account, numbers) or base).removesuffix(DRAFT_SUFFIX) + DRAFT_SUFFIX


def _mapped(dnis: str, account: str, numbers: Mapping[str, NumberSettings]) -> str | None:
    for number, entry in numbers.items():
        if _canonical(number) == _canonical(dnis) and entry.account in (None, account):
            return entry.flow
    return None


def _canonical(number: str) -> str:
    compact = "".join(character for character in number if character not in " -/().")
    return compact if compact.lstrip("+").isdigit() else number.lower()
