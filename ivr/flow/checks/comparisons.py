"""Rule about conditions that compare a variable with what it can never hold: a branch that no call takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from jinja2 import nodes

from ivr.errors import Problem
from ivr.flow.checks.subject import Subject
from ivr.flow.model import MenuStep, SetStep
from ivr.flow.steps.registry import kind_of
from ivr.flow.template_check import check_expression, parsed_expression
from ivr.flow.template_rules import is_template
from ivr.immutable import immutable
from ivr.model_errors import did_you_mean

TEXT, NUMBER, BOOLEAN, OTHER = "text", "a number", "true or false", "a list or group"

_OUTCOMES = {"eq": "never equal", "in": "never equal", "ne": "always true", "notin": "always true"}
_TURNED = {"lt": "gt", "gt": "lt", "lteq": "gteq", "gteq": "lteq", "eq": "eq", "ne": "ne"}


@immutable
class _Holds:
    """What a variable can hold. `None` for kinds or values means: anything."""

    kinds: frozenset[str] | None
    values: frozenset[object] | None = None

    def __or__(self, other: _Holds) -> _Holds:
        kinds = None if self.kinds is None or other.kinds is None else self.kinds | other.kinds
        values = None if self.values is None or other.values is None else self.values | other.values
        return _Holds(kinds, values)


_ANYTHING = _Holds(None)
_TEXT = _Holds(frozenset({TEXT}))
_NUMBER = _Holds(frozenset({NUMBER}))
_YES_OR_NO = _Holds(frozenset({BOOLEAN}), frozenset({True, False}))
_ANSWERS = {"number": _NUMBER, "amount": _NUMBER, "rating": _NUMBER, "yes_no": _YES_OR_NO}
"""By kind of question; the others are answered with a text."""


def comparison_never_holds(subject: Subject) -> Iterator[Problem]:
    """A variable compared with what it can never be."""
    known = _known(subject)
    for _, path, condition in subject.conditions:
        if check_expression(condition) is not None:
            continue
        for variable, operator, literal in _comparisons(condition):
            if trouble := _trouble(variable, operator, literal, known.get(variable, _ANYTHING)):
                yield subject.error(subject.path_of((), *path), trouble, "comparison_never_holds")


def _known(subject: Subject) -> Mapping[str, _Holds]:
    known = {"call.from": _TEXT, "call.to": _TEXT, "call.name": _TEXT}
    known["call.language"] = replace(_TEXT, values=frozenset(subject.languages))
    for name, holds in _given(subject):
        known[name] = known[name] | holds if name in known else holds
    return known


def _given(subject: Subject) -> Iterator[tuple[str, _Holds]]:
    """What is put into which variable, by whom ever."""
    yield from ((name, _literal(value)) for name, value in subject.flow.variables.items())
    yield from ((name, _ANYTHING) for name in subject.flow.takes)
    for place in subject.values:
        choices = place.asked.choices if place.asked.ask == "choice" else None
        answer = _ANSWERS.get(place.asked.ask, _TEXT)
        yield place.into, answer if choices is None else replace(_TEXT, values=frozenset(choices))
    asking = {place.step for place in subject.values}
    for name, step in subject.flow.steps.items():
        if isinstance(step, SetStep):
            yield from ((variable, _literal(value)) for variable, value in step.set.items())
        elif isinstance(step, MenuStep) and step.into:
            yield step.into, replace(_TEXT, values=frozenset(step.menu.choices))
        elif name not in asking:
            yield from ((variable, _ANYTHING) for variable in kind_of(step).variables(step))


def _literal(value: object) -> _Holds:
    if value is None or (isinstance(value, str) and is_template(value)):
        return _ANYTHING
    kind = _kind(value)
    return _Holds(frozenset({kind}), None if kind == OTHER else frozenset({value}))


def _kind(value: object) -> str:
    match value:
        case bool():
            return BOOLEAN
        case int() | float():
            return NUMBER
        case str():
            return TEXT
        case _:
            return OTHER


def _comparisons(condition: str) -> Iterator[tuple[str, str, object]]:
    """Variable, operator and literal of every comparison of the two; a list after `in` gives one for each entry."""
    for found in parsed_expression(condition).find_all(nodes.Compare):
        if len(found.ops) != 1:
            continue
        operator, left, right = found.ops[0].op, found.expr, found.ops[0].expr
        if not _name(left) and operator in _TURNED:
            operator, left, right = _TURNED[operator], right, left
        if name := _name(left):
            literals = right.items if isinstance(right, nodes.List | nodes.Tuple) else [right]
            yield from ((name, operator, part.value) for part in literals if isinstance(part, nodes.Const))


def _name(node: nodes.Node) -> str:
    if isinstance(node, nodes.Name):
        return node.name
    is_of_call = isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name) and node.node.name == "call"
    return f"call.{node.attr}" if is_of_call and isinstance(node, nodes.Getattr) else ""


def _trouble(variable: str, operator: str, literal: object, holds: _Holds) -> str | None:
    kind = _kind(literal)
    if holds.kinds is None or literal is None or (operator in ("in", "notin") and OTHER in holds.kinds):
        return None
    if kind not in holds.kinds and not {kind, *holds.kinds} <= {BOOLEAN, NUMBER}:
        is_what = " or ".join(sorted(holds.kinds))
        fails = _OUTCOMES.get(operator, "an error in the call")
        remedy = _remedy(variable, operator, kind, holds.kinds)
        return f"'{variable}' is {is_what}, and {_shown(literal)} is {kind}: {fails}; {remedy}"
    if operator in _OUTCOMES and holds.values is not None and literal not in holds.values:
        possible = sorted(map(str, holds.values))
        hint = did_you_mean(str(literal), [word for word in possible if word])
        return f"'{variable}' is never {_shown(literal)}; {hint or 'correct the condition'}"
    return None


def _shown(literal: object) -> str:
    return str(literal).lower() if isinstance(literal, bool) else repr(literal)


def _remedy(variable: str, operator: str, kind: str, kinds: frozenset[str]) -> str:
    if kinds == {TEXT} and kind == NUMBER:
        return "write the value in quotes" if operator in _OUTCOMES else f"write `{variable} | int`"
    if kinds == {TEXT}:
        return "compare it with text in quotes"
    if kinds == {NUMBER}:
        return "write the number without quotes"
    if kinds == {BOOLEAN}:
        return f"write `{variable}` or `not {variable}`"
    return "compare it with something of the same kind"
