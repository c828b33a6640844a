"""Each rule of the check by a pair of files: one that breaks this rule and no other, and the same one put right.

A new rule is a line in `ivr.flow.check.RULES` and a folder `tests/data/flows/rules/RULE` with `bad.yaml`, which ends
with what is said about it, and `good.yaml`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.flow.check import RULES, Rule
from ivr.flow.checks.subject import Subject
from ivr.flow.loader import load_flow
from tests.flow.checking import WORLD, as_expected, expected_in, problems_of_file, text_of

pytestmark = pytest.mark.unit

PAIRS = Path(__file__).parents[1] / "data" / "flows" / "rules"

NAMES = [rule.__name__ for rule in RULES]

ALSO_BROKEN = {"no_path_to_an_end": {"loop_without_caller"}}
"""A call that can come to no end goes round by itself sooner or later: silence leads somewhere, too."""

each_rule = pytest.mark.parametrize("rule", RULES, ids=NAMES)


def broken_by(text: str) -> set[str]:
    """Names of the rules that find something."""
    subject = Subject(load_flow(text, "flow.yaml"), WORLD)
    return {rule.__name__ for rule in RULES if list(rule(subject))}


def test_every_rule_has_a_name_of_its_own() -> None:
    assert len(set(NAMES)) == len(NAMES)


def test_there_is_a_pair_of_files_for_each_rule_and_for_nothing_else() -> None:
    there = {(file.parent.name, file.name) for file in PAIRS.rglob("*.yaml")}
    assert there == {(name, file) for name in NAMES for file in ("good.yaml", "bad.yaml")}


@each_rule
def test_the_bad_file_breaks_its_rule_and_no_other(rule: Rule) -> None:
    name = rule.__name__
    assert broken_by(text_of(PAIRS / name / "bad.yaml")) == {name} | ALSO_BROKEN.get(name, set())


@each_rule
def test_what_is_said_about_the_bad_file_has_place_and_remedy(rule: Rule) -> None:
    file = PAIRS / rule.__name__ / "bad.yaml"
    problems = problems_of_file(file)
    assert problems and [as_expected(problem) for problem in problems] == expected_in(file)
    for problem in problems:
        wrong, _, remedy = problem.message.replace(": ", "; ").partition("; ")
        assert problem.line >= 1 and problem.column >= 1 and wrong and remedy, problem


@each_rule
def test_the_good_file_breaks_no_rule(rule: Rule) -> None:
    assert problems_of_file(PAIRS / rule.__name__ / "good.yaml") == []


@each_rule
def test_the_pair_differs_in_little_but_the_mistake(rule: Rule) -> None:
    bad, good = (text_of(PAIRS / rule.__name__ / f"{which}.yaml").splitlines() for which in ("bad", "good"))
    changed = set(bad) ^ set(good)
    assert len(changed) <= 10, changed


@each_rule
def test_a_rule_says_what_it_is_for(rule: Rule) -> None:
    assert rule.__doc__
