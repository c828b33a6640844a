"""Words for the places where a text stops being YAML. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from ivr.errors import Problem, first_of_a_kind

_TAB_INDENT = re.compile(r"^ *\t", re.MULTILINE)

_REMEDIES: tuple[tuple[str, str], ...] = (
    ("scanning an alias", "a bare * marks an alias; put the text in quotes: \"*\""),
    ("scanning an anchor", "a bare & marks an anchor; put the text in quotes"),
    ("quoted scalar | found unexpected end", "a quote is opened here and never closed; close it"),
    ("unknown escape character", "a backslash begins an escape in double quotes; use single quotes or write \\\\"),
    ("mapping values are not allowed", "a colon is not expected here; put text that holds a colon in quotes, "
     "and write keys of one level in the same column"),
    ("sequence entries are not allowed", "a list item (-) cannot stand here; begin it on a line of its own"),
    ("could not find expected ':'", "a key without a colon; write `key: value`, and indent text that goes on here"),
    ("expected ',' or ']'", "a list opened with [ is not closed; add the comma or the ]"),
    ("expected ',' or '}'", "a group opened with { is not closed; add the comma or the }"),
    ("expected '-' indicator", "a list item beginning with - was expected; write all items in the same column"),
    ("expected key", "something follows a value that has ended, or the indentation does not fit; check the quotes, "
     "and write keys of one level in the same column"),
    ("cannot start any token", "a value cannot begin with this character; put the text in quotes"),
)  # fmt: skip


def explain_syntax_error(error: yaml.YAMLError, text: str, file: str) -> list[Problem]:
    """Problems for a text that the YAML parser refused: tabs in the indentation are all named, else the first place."""
    tabs = first_of_a_kind(_tabs(text, file))
    if isinstance(error, yaml.MarkedYAMLError):
        problem = _marked(error, text, file)
        return tabs if any(tab.line == problem.line for tab in tabs) else [problem, *tabs]
    position = getattr(error, "position", 0)
    before = text[:position]
    line, column = before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1
    return [_problem(file, line, column, "a control character is not allowed here; remove it")]


def _tabs(text: str, file: str) -> Iterator[Problem]:
    line, end = 1, 0
    for match in _TAB_INDENT.finditer(text):
        line += text.count("\n", end, match.start())
        end = match.start()
        yield _problem(file, line, match.end() - match.start(), "a tab in the indentation; use spaces")


def _marked(error: yaml.MarkedYAMLError, text: str, file: str) -> Problem:
    said = f"{error.context or ''} | {error.problem or ''}"
    remedy = next(
        (remedy for sign, remedy in _REMEDIES if sign in said), f"this is not YAML ({error.problem}); correct it"
    )
    mark = error.problem_mark
    if error.context_mark is not None and ("scanning" in said or "unexpected end" in said or "flow" in said):
        mark = error.context_mark
    if mark is None:
        return _problem(file, 1, 1, remedy)
    return _problem(file, mark.line + 1, mark.column + 1, remedy)


def _problem(file: str, line: int, column: int, message: str) -> Problem:
    return Problem(file, line, column, "", message, rule="yaml_syntax")
