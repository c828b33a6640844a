"""Every kind of value by its name. Adding one is adding a module here and a line in `KINDS`."""

from __future__ import annotations

from ivr.flow.values.amount import Amount
from ivr.flow.values.base import Kind
from ivr.flow.values.choice import ChoiceOf
from ivr.flow.values.date import Date
from ivr.flow.values.digits import Digits
from ivr.flow.values.free import Free
from ivr.flow.values.number import Number
from ivr.flow.values.phone import Phone
from ivr.flow.values.rating import Rating
from ivr.flow.values.time import Time
from ivr.flow.values.yes_no import YesNo

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (Digits(), Number(), YesNo(), ChoiceOf(), Date(), Time(), Amount(), Phone(), Rating(), Free())
}


def kind_of(name: str) -> Kind:
    """The kind of an `ask`."""
    return KINDS[name]
