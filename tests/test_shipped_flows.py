"""The flows that come with the project: each is sound, and has conversations that go through nearly all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.check_context import surroundings_of
from ivr.flows import flow_files, load_file
from ivr.rehearsal.reading import PlacedConversation
from ivr.rehearsal.results import failure_lines
from ivr.rehearsal.running import Suite, chosen, find_suites, run
from ivr.settings import load_settings

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[1]
FLOWS = ROOT / "flows"
LEAST_PERCENT = 90.0

SUITES, PROBLEMS = find_suites([FLOWS], surroundings_of(load_settings(ROOT / "ivr.yaml")).context)


def test_flows_and_conversations_have_no_mistakes() -> None:
    assert not PROBLEMS, "\n".join(map(str, PROBLEMS))


def test_every_flow_has_conversations() -> None:
    assert {suite.flow.flow.flow for suite in SUITES} == {load_file(file).flow.flow for file in flow_files(FLOWS)}


@pytest.mark.parametrize(
    ("suite", "placed"), chosen(SUITES, ()), ids=lambda value: getattr(getattr(value, "conversation", None), "name", "")
)
def test_a_conversation_goes_as_written(suite: Suite, placed: PlacedConversation) -> None:
    report = run([(suite, placed)])
    assert not report.failed, "\n" + "\n".join(failure_lines(report.failed[0]))


def test_conversations_go_through_nearly_all_of_each_flow() -> None:
    coverage = {each.flow: each.percent for each in run(chosen(SUITES, ())).coverage}
    assert coverage and min(coverage.values()) >= LEAST_PERCENT, coverage
