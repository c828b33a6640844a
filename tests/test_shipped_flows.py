"""The flows that come with the project, packaged ones too: each is sound, and has conversations that go through nearly
all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.check_context import surroundings_of
from ivr.cli.rehearsing import calendars_of
from ivr.flows import LIBRARY, flow_files, load_file
from ivr.rehearsal.reading import PlacedConversation
from ivr.rehearsal.results import failure_lines
from ivr.rehearsal.running import Suite, chosen, find_suites, run
from ivr.settings import load_settings

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[1]
FOLDERS = [ROOT / "flows", LIBRARY]
LEAST_PERCENT = 90.0

SETTINGS = load_settings(ROOT / "ivr.yaml")
CALENDARS = calendars_of(SETTINGS)
SUITES, PROBLEMS = find_suites(FOLDERS, surroundings_of(SETTINGS).context)


def test_flows_and_conversations_have_no_mistakes() -> None:
    assert not PROBLEMS, "\n".join(map(str, PROBLEMS))


def test_every_flow_has_conversations() -> None:
    files = [file for folder in FOLDERS for file in flow_files(folder)]
    assert {suite.flow.flow.flow for suite in SUITES} == {load_file(file).flow.flow for file in files}


def test_every_flow_answers_a_number_of_its_own() -> None:
    assert {entry.flow for entry in SETTINGS.numbers.values()} == {
        load_file(file).flow.flow for file in flow_files(ROOT / "flows")
    }


@pytest.mark.parametrize(
    ("suite", "placed"), chosen(SUITES, ()), ids=lambda value: getattr(getattr(value, "conversation", None), "name", "")
)
def test_a_conversation_goes_as_written(suite: Suite, placed: PlacedConversation) -> None:
    report = run([(suite, placed)], calendars=CALENDARS)
    assert not report.failed, "\n" + "\n".join(failure_lines(report.failed[0]))


def test_conversations_go_through_nearly_all_of_each_flow() -> None:
    coverage = {each.flow: each.percent for each in run(chosen(SUITES, ()), calendars=CALENDARS).coverage}
    assert coverage and min(coverage.values()) >= LEAST_PERCENT, coverage
