"""The check's work grows with the flow, not faster: counted, because times differ from machine to machine."""

from __future__ import annotations

import sys
from types import FrameType

import pytest

from benchmarks.long_flow import long_flow
from ivr.flow import template_check
from ivr.flow.check import CheckContext, check_flow
from ivr.flow.loader import load_flow
from ivr.flow.template_sandbox import Sandbox

pytestmark = pytest.mark.unit


def calls_for(steps: int) -> int:
    """Functions called (generators resumed included) while a flow of so many steps is read and checked."""
    text, count = long_flow(steps, bilingual=True), 0

    def counting(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(counting)
    try:
        problems = check_flow(load_flow(text, "long.yaml"), CheckContext())
    finally:
        sys.setprofile(None)
    assert [problem.rule for problem in problems] == ["no_way_to_a_human"]
    return count


def test_twice_the_steps_take_twice_the_work() -> None:
    calls_for(100)  # what is done once only, for the first flow
    small, large = calls_for(100), calls_for(200)
    assert large < 2.2 * small
    assert small / 100 < 900  # per step


def test_each_part_of_a_template_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    parse = Sandbox.parse

    def counting(self: Sandbox, text: str) -> object:
        parsed.append(text)
        return parse(self, text)

    monkeypatch.setattr(Sandbox, "parse", counting)
    monkeypatch.setattr(Sandbox, "compile", None)  # what can be told without the compiler is
    for cached in (
        template_check._parsed,
        template_check._block,
        template_check.check_template,
        template_check.variables_of,
    ):
        cached.cache_clear()
    check_flow(load_flow(long_flow(200), "long.yaml"), CheckContext())
    assert len(parsed) == len(set(parsed))
    blocks_of_all, expressions_of_a_part = 4, 4
    assert len(parsed) <= blocks_of_all + 20 * expressions_of_a_part
