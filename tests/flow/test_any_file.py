"""Whatever an operator makes of a good flow by mistake: reading and checking say what is wrong, and never break.

Good flows are changed at random places: values taken from elsewhere, left out, doubled, of another type.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ivr.errors import FlowError, Problem
from ivr.flow.check import check_flow
from ivr.flow.loader import load_flow
from ivr.flow.program import Program
from ivr.flow.prompts import fixed_prompts
from ivr.flows import LIBRARY, flow_files
from ivr.yaml_source import read_yaml
from tests.flow.any_order import WHAT
from tests.flow.checking import WORLD
from tests.flow.test_any_order import call_with, waited_for

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, "", " ", "yes", "x", "repeat", "back", "help", "return", "hang_up", "{{ x }}", "{{ call }}",
    "{{", "sounds/en/hello.wav", "5s", "*", "#", [], {}, [1], {"a": 1}, {"1": "x"}, [[]], "call", "step", "error", "de",
    "heard", "{% if call %}x{% endif %}", "a == 1", "main",
)  # fmt: skip


@cache
def good() -> tuple[Any, ...]:
    """The data of good flows."""
    files = [*(ROOT / "tests/data/flows/good").glob("*.yaml"), *flow_files(ROOT / "flows"), *flow_files(LIBRARY)]
    files += sorted((ROOT / "tests/data/flows/rules").glob("*/good.yaml"))
    return tuple(read_yaml(file.read_bytes(), str(file)).data for file in sorted(files))


def places(data: Any) -> Iterator[tuple[Any, Any]]:
    """Every group or list with every key of it."""
    keys = list(data) if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    for key in keys:
        yield data, key
        yield from places(data[key])


def changed(seed: int) -> str:
    """A good flow with one to three things done to it."""
    chance = random.Random(seed)
    data = copy.deepcopy(chance.choice(good()))
    for _ in range(chance.randint(1, 3)):
        found = list(places(data))
        if not found:
            break
        holder, key = chance.choice(found)
        same = [place for place in found if type(place[0][place[1]]) is type(holder[key])]
        other, other_key = chance.choice(same if chance.random() < 0.8 else found)
        match chance.choice((0, 1, 2, 2, 2, 2, 3, 4)):
            case 0:
                del holder[key]
            case 1:
                holder[key] = copy.deepcopy(chance.choice(ODD))
            case 2:
                holder[key] = copy.deepcopy(other[other_key])
            case 3 if isinstance(holder, dict):
                holder[str(other_key)] = copy.deepcopy(holder[key])
            case _ if isinstance(holder, dict):
                holder[f"{key}x"] = holder.pop(key)
    return json.dumps(data)


def told(problems: list[Problem]) -> None:
    """Each problem has its place, what is wrong, and what to do."""
    for problem in problems:
        wrong, _, remedy = problem.message.replace(": ", "; ").partition("; ")
        assert problem.line >= 1 and problem.column >= 1 and wrong and remedy, problem


@pytest.mark.parametrize("block", range(20))
def test_a_flow_that_was_changed_at_random_is_judged_and_what_passes_can_be_called(block: int) -> None:
    for seed in range(block * 50, block * 50 + 50):
        text = changed(seed)
        try:
            loaded = load_flow(text, "changed.yaml")
        except FlowError as error:
            told(list(error.problems))
            continue
        problems = check_flow(loaded, WORLD)
        told(problems)
        if all(problem.severity != "error" for problem in problems):
            program = Program(loaded.flow, dict(WORLD.flows or {}))
            fixed_prompts(program)
            chance = random.Random(seed)
            waited_for(call_with(program, [(chance.choice(WHAT), chance.randrange(1000)) for _ in range(30)]))
