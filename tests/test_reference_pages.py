"""The reference pages name every key, and their examples are right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from ivr.config import Settings
from ivr.flow.check import CheckContext
from ivr.flow.model import Flow, Step
from ivr.flow.steps.hours import HoursStep
from ivr.flow.steps.registry import STEP_KINDS
from ivr.flow.steps.request import RequestStep
from ivr.flow.steps.send import SendStep
from tests.flow.checking import problems_of_text

pytestmark = pytest.mark.unit

DOCS = Path(__file__).parents[1] / "docs"
LANGUAGE = (DOCS / "flow-language.md").read_text(encoding="utf-8")
SETTINGS = (DOCS / "configuration.md").read_text(encoding="utf-8")
NOT_WRITTEN = {"version", "items", "by_count", "by_language", "outcomes"}
"""Fields that no operator writes."""


def keys_of(model: type[BaseModel], seen: set[type[BaseModel]] | None = None) -> Iterator[str]:
    seen = set() if seen is None else seen
    if model in seen:
        return
    seen.add(model)
    for name, field in model.model_fields.items():
        yield field.alias or name
        for inner in models_in(field.annotation):
            yield from keys_of(inner, seen)


def models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from models_in(argument)


@pytest.mark.parametrize(
    ("page", "model"),
    [(LANGUAGE, Flow), (SETTINGS, Settings), *((LANGUAGE, kind) for kind in STEP_KINDS.values())],
    ids=["flow language", "settings", *STEP_KINDS],
)
def test_a_reference_page_names_every_key(page: str, model: type[BaseModel]) -> None:
    keys = set(keys_of(model)) - NOT_WRITTEN
    assert keys
    assert sorted(key for key in keys if not re.search(rf"\b{key}\b", page)) == []


@pytest.mark.parametrize("step", [HoursStep, RequestStep, SendStep])
def test_the_reference_names_every_key_of_a_step_that_reaches_out(step: type[Step]) -> None:
    sections = [part for part in LANGUAGE.split("\n### ") if part.startswith((f"`{step.action}`", "`request`"))]
    section = "".join(sections)  # `waiting` is explained where it comes first
    keys = set(keys_of(step)) - NOT_WRITTEN - {"next", "on_error", "pause", "rate", "emphasis", "by_count", "prompt"}
    assert sorted(key for key in keys if not re.search(rf"\b{key}\b", section)) == []


def test_the_examples_of_whole_flows_pass_the_check() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", LANGUAGE, re.DOTALL)
    whole = [block for block in blocks if block.startswith("flow:")]
    assert len(whole) == 2
    for block in whole:
        assert problems_of_text(block, CheckContext(targets=frozenset({"office", "sales"}))) == []


def test_the_examples_of_steps_can_be_read() -> None:
    head = "flow: example\nstart: main\ndefaults: {failed: hang_up}\nsteps:\n"
    blocks = re.findall(r"```yaml\n(.*?)```", LANGUAGE, re.DOTALL)
    steps = [block for block in blocks if re.match(r"[a-z_]+:\n", block) and not block.startswith("commands:")]
    assert len(steps) >= 5
    for block in steps:
        indented = "".join(f"  {line}\n" for line in block.splitlines())
        rules = {problem.rule for problem in problems_of_text(head + indented, CheckContext())}
        assert not rules & {
            "unknown_key",
            "missing_key",
            "wrong_type",
            "bad_value",
            "not_allowed",
            "step_kind",
            "empty",
        }, block
