"""What may stand in a template or a condition: a list of what is allowed; whatever else Jinja2 knows is refused.

Templates are written by operators, read data of callers and services, and must never reach Python behind them, take
long, or become large. A text is judged before a call by the syntax tree that Jinja2 makes of it.
"""

from __future__ import annotations

from collections.abc import Container

from jinja2 import nodes

MAX_TEMPLATE_CHARACTERS = 20_000
"""Longest text with something to fill in."""
MAX_TEMPLATE_DEPTH = 30
"""So deep may parts of an expression stand in each other; Python's compiler gives up at 100 or 200."""
TOO_DEEP = f"nested deeper than {MAX_TEMPLATE_DEPTH} levels; work parts of it out in a `set` step before"

FILTERS = ("default", "lower", "upper", "trim", "length", "int")
"""What flows may use of Jinja2's own filters."""

TESTS = frozenset({
    "defined", "undefined", "none", "number", "integer", "float", "string", "boolean", "true", "false", "mapping",
    "sequence", "even", "odd", "divisibleby", "lower", "upper", "in", "==", "eq", "equalto", "!=", "ne", ">", "gt",
    "greaterthan", ">=", "ge", "<", "lt", "lessthan", "<=", "le",
})  # fmt: skip
"""What flows may use of Jinja2's tests (`x is defined`)."""

EXPRESSIONS = frozenset({
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem,
    nodes.Filter, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Add, nodes.Sub, nodes.Mul,
    nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Neg, nodes.Pos, nodes.Concat, nodes.CondExpr, nodes.List, nodes.Tuple,
    nodes.Test, nodes.Keyword, nodes.Slice,
})  # fmt: skip

ALLOWED = EXPRESSIONS | {nodes.If, nodes.Dict, nodes.Pair}

NAMES_OF_THE_COMPILER = frozenset({"self", "super", "loop", "caller", "varargs", "kwargs"})

_WORDS: dict[type[nodes.Node], str] = {
    nodes.For: "a loop ({% for %})",
    nodes.Call: "a call",
    nodes.Assign: "{% set %}",
    nodes.AssignBlock: "{% set %}",
    nodes.With: "{% with %}",
    nodes.FilterBlock: "{% filter %}",
    nodes.Macro: "{% macro %}",
    nodes.CallBlock: "{% call %}",
    nodes.Block: "{% block %}",
    nodes.Extends: "{% extends %}",
    nodes.Include: "{% include %}",
    nodes.Import: "{% import %}",
    nodes.FromImport: "{% from %}",
    nodes.Pow: "a power (**)",
}


def is_template(text: str) -> bool:
    """Whether the text holds anything to fill in."""
    return "{{" in text or "{%" in text


def trouble_with_tree(tree: nodes.Node, filters: Container[str]) -> str | None:
    """What of a parsed template is not part of the language, or None; `filters` are those that there are."""
    waiting = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > MAX_TEMPLATE_DEPTH:
            return TOO_DEEP
        if trouble := _trouble_with_node(node, filters):
            return trouble
        waiting += [(child, depth + 1) for child in node.iter_child_nodes()]
    return None


def trouble_with_length(text: str) -> str | None:
    """Whether a text is longer than a template may be."""
    if len(text) <= MAX_TEMPLATE_CHARACTERS:
        return None
    return f"it has {len(text)} characters, and a text with values in it at most {MAX_TEMPLATE_CHARACTERS}; divide it"


def _trouble_with_node(node: nodes.Node, filters: Container[str]) -> str | None:
    if type(node) not in ALLOWED:
        what = _WORDS.get(type(node), type(node).__name__.lower())
        return f"{what} is not part of the flow language; remove it"
    if isinstance(node, nodes.Getattr) and is_private(node.attr):
        return f"'{node.attr}' reaches for what is behind the data; only names of the data can stand after a dot"
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and is_private(node.arg.value):
        return f"'{node.arg.value}' reaches for what is behind the data; only names of the data can stand in brackets"
    if isinstance(node, nodes.Filter) and node.name not in filters:
        return f"No filter named '{node.name}'"
    if isinstance(node, nodes.Test) and node.name not in TESTS:
        return f"there is no test '{node.name}'; remove it"
    return None


def is_private(name: object) -> bool:
    """Whether an attribute is one of Python's own."""
    return isinstance(name, str) and name.startswith("__")
