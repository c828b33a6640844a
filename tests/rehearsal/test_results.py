"""What came of conversations, for people, for programs and for CI servers."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ivr.flow.check import CheckContext
from ivr.rehearsal.results import Report, Result, as_json, as_junit, coverage_lines, failure_lines, summary_line
from ivr.rehearsal.running import chosen, find_suites, run
from tests.rehearsal.files import write_project

pytestmark = pytest.mark.unit

TESTS = """flow: small
tests:
  - name: goes well
    call:
      - say: sales
      - hear: here is sales
  - name: says "<nothing>" & fails
    call:
      - say: pin
      - press: "1234"
      - hear: you said nothing
  - name: ends otherwise
    call: [hang up]
    expect:
      end: transferred
"""


@pytest.fixture
def report(tmp_path: Path) -> Report:
    """Of three conversations, two of which fail."""
    suites, problems = find_suites([write_project(tmp_path, TESTS)], CheckContext())
    assert not problems
    return run(chosen(suites, ()))


def test_a_failure_shows_the_whole_conversation_and_where_it_differed(report: Report) -> None:
    lines = list(failure_lines(report.failed[0]))
    assert lines[0].endswith('small.test.yaml:11:9: says "<nothing>" & fails')
    assert lines[1].split() == ["0.0", "bot", *["This", "is", "a", "machine.", "Say", "sales", "or", "pin.", "(main)"]]
    assert lines[2].split()[1:] == ["caller", "pin"]
    assert lines[4].split()[1:] == ["caller", "[***]"]
    assert '  ▶ expected: the bot says "you said nothing"' in lines
    assert any(line.startswith("    but:") for line in lines) and any(
        line.startswith("    stood at:") for line in lines
    )


def test_a_failed_expectation_has_the_place_of_its_key(report: Report) -> None:
    assert report.failed[1].place.endswith("small.test.yaml:15:7")


def test_the_summary_counts(report: Report) -> None:
    assert summary_line(report).startswith("3 conversations: 1 passed, 2 failed in ")
    skipped = Report([Result("small", report.results[0].placed, None, skipped_because="no telephone")])
    assert summary_line(skipped) == "1 conversation: 0 passed, 1 skipped in 0.00 s"


def test_coverage_names_what_was_not_tried(report: Report) -> None:
    text = "\n".join(coverage_lines(report.coverage[0]))
    assert text.startswith("small: ") and "steps that no call came to: to_agent, busy, bye" in text
    assert "exits that no call took, of main: failed" in text and "commands that nobody gave: agent, german" in text


def test_json_holds_everything_that_a_program_needs(report: Report) -> None:
    found = json.loads(json.dumps(as_json(report)))
    assert found["ok"] is False and [test["outcome"] for test in found["tests"]] == ["passed", "failed", "failed"]
    assert found["tests"][0]["turns"][0]["who"] == "bot" and found["tests"][0]["line"] == 3
    assert found["tests"][1]["difference"]["expected"] == 'the bot says "you said nothing"'
    assert found["tests"][1]["variables"]["pin"] == "***"
    assert found["coverage"][0]["steps"]["untried"] == ["to_agent", "busy", "bye"]


def test_junit_is_well_formed_and_names_file_and_line(report: Report) -> None:
    root = ElementTree.fromstring(as_junit(report))
    (suite,) = root
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("small", "3", "2")
    good, bad, _ = suite
    assert len(good) == 0 and bad.get("name") == 'says "<nothing>" & fails' and bad.get("line") == "7"
    (failure,) = bad
    assert "expected: the bot says" in (failure.get("message") or "") and "caller" in (failure.text or "")


def test_junit_tells_what_was_left_out(report: Report) -> None:
    skipped = Report([Result("small", report.results[0].placed, None, skipped_because="bell \x07 rings")])
    (case,) = ElementTree.fromstring(as_junit(skipped))[0]
    assert case[0].tag == "skipped" and case[0].get("message") == "bell  rings"
