"""The table for those who know VoiceXML: each row has an example that passes the check, or a reason, and a test."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ivr.flow.check import check_flow
from ivr.flow.loader import load_flow
from ivr.flow.steps.registry import STEP_KINDS
from ivr.yaml_source import read_yaml
from tests.flow.checking import WORLD

pytestmark = pytest.mark.unit

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "voicexml.md"
KNOWING_ALL_WORDS = replace(WORLD, knows_word=None, pronounce=None, languages_with_model=None)

AROUND: dict[str, Any] = {
    "flow": "example",
    "start": "begin",
    "defaults": {"no_input": "I did not hear you.", "no_match": "I did not understand.", "failed": "person"},
    "variables": {"account": "", "name": "", "tries": 0, "orders": [], "order": {}},
}
BEGIN = {
    "prompt": "I am an automatic assistant. For the example, press 1. For a person, press 2.",
    "choices": {"example": {"keys": "1", "go": "example"}, "person": {"keys": "2", "go": "person"}},
}
STEPS: dict[str, Any] = {
    "begin": {"menu": BEGIN},
    "example": {"say": "Hello.", "next": "person"},
    "person": {"transfer": {"to": "agent"}, "failed": "bye"},
    "bye": {"say": "Goodbye.", "next": "hang_up"},
}
FEATURES = (
    "<form>", "<initial>", "<block>", "<filled>", "<object>", "<menu>", "<choice", "<enumerate>", "<option>",
    "<subdialog>",
    "<param>", "<return", "<record>", "<transfer>", "<link", "<help>", "<noinput>", "<nomatch>", "<throw>", "<catch",
    "<error>", "<prompt>", "<value>", "<audio", "<reprompt>", "<mark>", "<foreach>", "<var>", "<assign>", "<clear>",
    "<if>", "<elseif>", "<else>", "<goto>", "<exit>", "<disconnect>", "<submit>", "<data>", "<script>", "<log>",
    "<property>", "<meta>", "modal", "count", "cond", "bargein", "hotword", "timeout", "completetimeout",
    "incompletetimeout", "maxspeechtimeout", "interdigittimeout", "termtimeout", "termchar", "confidencelevel",
    "sensitivity", "inputmodes", "universals", "maxnbest", "fetchaudio", "fetchtimeout", "recordutterance", "srcexpr",
    "lastresult", "connection.disconnect.hangup", "consultation", "xml:lang", "weight", "slot",
    "tapering", "far_end_disconnect", ".duration", "of a handler",
)  # fmt: skip
"""Elements, attributes and properties of VoiceXML 2.0 and 2.1 that the page must speak of."""


@dataclass(frozen=True)
class Row:
    """One row of the page."""

    feature: str
    here: str
    test: str

    @property
    def examples(self) -> list[dict[str, Any]]:
        """What is written as YAML; words in code that are no groups of keys are left out."""
        found = (self._group(code) for code in re.findall(r"`([^`]+)`", self.here.replace("\\|", "|")))
        return [example for example in found if example is not None]

    @staticmethod
    def _group(code: str) -> dict[str, Any] | None:
        source = read_yaml(code if code.startswith("{") else "{" + code + "}", "row")
        is_group = isinstance(source.data, dict) and not source.problems and ": " in code
        return source.data if is_group and isinstance(source.data, dict) else None


@cache
def rows() -> tuple[Row, ...]:
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return tuple(Row(*each) for each in cells if each[0] != "VoiceXML")


def flow_of(example: dict[str, Any]) -> str:
    """The example in a flow that is otherwise good."""
    steps, flow = dict(STEPS), dict(AROUND)
    if example.keys() & STEP_KINDS.keys() and "steps" not in example and not _is_of_flow(example):
        steps["example"] = {"next": "person", **example}
    else:
        steps |= example.get("steps", {})
        flow |= {key: value for key, value in example.items() if key != "steps"}
    return json.dumps({**flow, "steps": steps})


def _is_of_flow(example: dict[str, Any]) -> bool:
    """`language` and `answer` are keys of a flow as well as kinds of steps."""
    return bool(example.keys() & {"purpose", "variables", "defaults", "start", "on_hang_up"})


@cache
def functions_in(file: Path) -> frozenset[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


each_row = pytest.mark.parametrize("row", rows(), ids=lambda row: row.feature)


@each_row
def test_a_row_has_an_example_that_passes_the_check_or_says_why_there_is_none(row: Row) -> None:
    if row.here.startswith("not there: "):
        assert len(row.here) > 40
        return
    assert row.examples, row
    for example in row.examples:
        problems = check_flow(load_flow(flow_of(example), "example.yaml"), KNOWING_ALL_WORDS)
        assert not problems, "\n".join(map(str, problems))


@each_row
def test_a_row_names_a_test_that_there_is(row: Row) -> None:
    file, _, name = row.test.strip("`").partition("::")
    path = TESTS / file if "/" in file else TESTS / "flow" / file
    assert path.is_file(), path
    assert name in functions_in(path), f"{path} has no {name}"


def test_every_feature_of_voicexml_is_on_the_page() -> None:
    said = "\n".join(row.feature for row in rows())
    assert not [feature for feature in FEATURES if feature not in said]
