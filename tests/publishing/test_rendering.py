"""Prompts of flows that come and go."""

from __future__ import annotations

import asyncio
import gc
import sys

import pytest

from ivr.flow.loader import load_flow
from ivr.flow.program import Program
from ivr.publishing import rendering
from ivr.publishing.publisher import gentle
from ivr.publishing.rendering import Preparation
from tests.publishing.conftest import FakeRenderer, saying

pytestmark = pytest.mark.unit


def flow(*texts: str) -> Program:
    steps = "".join(f"  s{number}: {{say: '{text}', next: s{number + 1}}}\n" for number, text in enumerate(texts))
    end = f"  s{len(texts)}: {{hang_up: true}}\n"
    return Program(load_flow(f"flow: demo\nlanguage: en-US\nstart: s0\nsteps:\n{steps}{end}", "demo.yaml").flow)


def prepared(renderer: FakeRenderer) -> tuple[Preparation, list[tuple[str, int, int]]]:
    told: list[tuple[str, int, int]] = []
    return Preparation(renderer, renderer.rest, lambda *each: told.append(each)), told


def test_only_what_is_new_is_rendered_unless_recordings_changed() -> None:
    renderer = FakeRenderer()
    preparation, _ = prepared(renderer)
    asyncio.run(preparation.prepare({"demo": flow("one", "two")}, anew=False))
    renderer.rendered.clear()
    asyncio.run(preparation.prepare({"demo": flow("one", "three")}, anew=False))
    assert renderer.rendered == [saying("three")]
    asyncio.run(preparation.prepare({"demo": flow("one", "three")}, anew=True))
    assert renderer.has_rendered("one")


def test_what_failed_is_tried_again_with_the_next_version() -> None:
    renderer = FakeRenderer(broken={"one"})
    preparation, _ = prepared(renderer)
    failed = asyncio.run(preparation.prepare({"demo": flow("one")}, anew=False))
    assert failed == {"demo": "the synthesizer gave no audio"}
    renderer.broken = set()
    assert asyncio.run(preparation.prepare({"demo": flow("one")}, anew=False)) == {}
    assert renderer.has_rendered("one")


def test_what_was_let_go_is_rendered_again_when_it_comes_back() -> None:
    renderer = FakeRenderer()
    preparation, _ = prepared(renderer)
    old, new = flow("one"), flow("two")
    asyncio.run(preparation.prepare({"demo": old}, anew=False))
    preparation.retire(old, at_s=5.0)
    preparation.release({"demo": new}, oldest_call_s=4.0)
    assert renderer.released == []
    preparation.release({"demo": new}, oldest_call_s=6.0)
    assert [list(prompt) for prompt in renderer.released] == [saying("one")]
    renderer.rendered.clear()
    asyncio.run(preparation.prepare({"demo": old}, anew=False))
    assert renderer.has_rendered("one")


def test_long_work_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "PROGRESS_EVERY_S", 0.0)
    preparation, told = prepared(FakeRenderer())
    many = flow(*(f"text {number}" for number in range(117)))  # and three prompts that every flow has
    asyncio.run(preparation.prepare({"demo": many}, anew=False))
    assert told == [("demo", 0, 120), ("demo", 50, 120), ("demo", 100, 120)]


def test_gentle_work_leaves_the_interpreter_as_it_was() -> None:
    before = sys.getswitchinterval()
    with pytest.raises(RuntimeError), gentle():
        assert sys.getswitchinterval() < before and not gc.isenabled()
        raise RuntimeError
    assert sys.getswitchinterval() == before and gc.isenabled()
