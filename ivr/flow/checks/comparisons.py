"""Rules about conditions that can never hold, because of what a variable can be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ivr.errors import Problem
from ivr.flow.checks.subject import Subject
from ivr.flow.model import MenuStep, SetStep, WhenStep
from ivr.flow.templates import Comparison, comparisons_in, is_template
from ivr.model_errors import did_you_mean

_TYPES = {"number": "number", "amount": "number", "rating": "number", "yes_no": "boolean"}
"""Kind of question to the type of its value; the others are texts."""

_IN_WORDS = {"number": "a number", "boolean": "true or false", "text": "text", "nothing": "nothing"}
_EQUAL, _UNEQUAL = "eq", "ne"


@dataclass(slots=True)
class _Known:
    """What a variable can be; `types` is None where that is not known."""

    types: set[str] | None
    names: set[str] | None
    """Every text that it can be, where they can be listed."""

    def may_be(self, type_: str, names: set[str] | None = None) -> None:
        if self.types is not None:
            self.types.add(type_)
        if type_ == "text":
            self.names = None if self.names is None or names is None else self.names | names


def comparison_never_holds(subject: Subject) -> Iterator[Problem]:
    """A yes or no compared with a text, a choice with a name that there is not, a number with a text."""
    known = _known(subject)
    for name, step in subject.flow.steps.items():
        if not isinstance(step, WhenStep):
            continue
        for index, branch in enumerate(step.when):
            for comparison in comparisons_in(branch.condition) if branch.condition else ():
                trouble = _trouble(comparison, known.get(comparison.name))
                if trouble:
                    yield subject.error(("steps", name, "when", index, "if"), trouble, "comparison_never_holds")


def _known(subject: Subject) -> dict[str, _Known]:
    found: dict[str, _Known] = {}

    def of(name: str) -> _Known:
        return found.setdefault(name, _Known(set(), set()))

    for name, value in subject.flow.variables.items():
        _add_value(of(name), value)
    for place in subject.values:
        asked = place.asked
        names = set(asked.choices) if asked.ask == "choice" and asked.choices is not None else None
        of(place.into).may_be(_TYPES.get(asked.ask, "text"), names)
    for step in subject.flow.steps.values():
        if isinstance(step, MenuStep) and step.into:
            of(step.into).may_be("text", set(step.menu.choices))
        elif isinstance(step, SetStep):
            for name, value in step.set.items():
                _add_value(of(name), value)
    return found


def _add_value(known: _Known, value: object) -> None:
    if isinstance(value, str) and is_template(value):
        known.types = None
        return
    type_ = _type_of(value)
    if type_ is None:
        known.types = None
    else:
        known.may_be(type_, {value} if isinstance(value, str) else None)


def _type_of(value: object) -> str | None:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else None


def _trouble(comparison: Comparison, known: _Known | None) -> str | None:
    if known is None or not known.types:
        return None
    type_ = _type_of(comparison.value)
    if type_ is None:
        return None
    name = comparison.name
    if type_ not in known.types:
        what = " or ".join(sorted(_IN_WORDS[each] for each in known.types))
        remedy = f"write `{name}` or `not {name}`" if known.types == {"boolean"} else f"compare it with {what}"
        holds = "is always true" if comparison.operator == _UNEQUAL else "can never hold"
        return f"'{name}' is {what}, so the comparison with {comparison.value!r} {holds}; {remedy}"
    is_named = comparison.operator in (_EQUAL, _UNEQUAL) and known.types == {"text"} and known.names
    if is_named and known.names and comparison.value not in known.names:
        hint = did_you_mean(str(comparison.value), sorted(known.names)) or "write one of the choices"
        return f"'{name}' is never {comparison.value!r}; {hint}"
    return None
