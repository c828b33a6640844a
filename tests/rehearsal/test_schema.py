"""The JSON Schema of conversations takes what `ivr test` takes, and refuses a misspelt line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from ivr.cli.model_notes import field_notes
from ivr.rehearsal.schema import conversations_schema
from ivr.yaml_source import read_yaml

pytestmark = pytest.mark.unit

SCHEMA = Draft7Validator(conversations_schema(field_notes))
SHIPPED = sorted((Path(__file__).parents[2] / "flows").rglob("*.test.yaml"))


def data_of(text: str) -> Any:
    return read_yaml(text, "t").data


def with_line(line: str) -> Any:
    return data_of(f"tests:\n  - name: one\n    call:\n      - {line}\n")


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_the_shipped_conversations_pass(file: Path) -> None:
    assert [error.message for error in SCHEMA.iter_errors(data_of(file.read_text(encoding="utf-8")))] == []


@pytest.mark.parametrize(
    "line",
    [
        'hear: "press 1"',
        'press: "1"',
        "stay silent: 6s",
        "stay_silent: 6s",
        "hang up",
        "interrupt: {after: 800ms, say: hi}",
    ],
)
def test_a_line_has_its_short_and_its_long_form(line: str) -> None:
    assert SCHEMA.is_valid(with_line(line))


@pytest.mark.parametrize("line", ['haer: "press 1"', "{hear: a, press: '1'}", "interrupt: {afetr: 1s}", "hang on", "7"])
def test_a_misspelt_line_is_refused(line: str) -> None:
    assert not SCHEMA.is_valid(with_line(line))


def test_other_keys_are_refused_but_variables_may_be_expected() -> None:
    assert SCHEMA.is_valid(data_of("tests: [{name: a, call: [], expect: {end: bot_hung_up, order: '1'}}]"))
    assert not SCHEMA.is_valid(data_of("tests: [{name: a, calls: []}]"))
    assert not SCHEMA.is_valid(data_of("flow: a"))
