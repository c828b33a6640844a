"""Conversations in which a caller comes to a video room: who joins is said by a mock, and somebody does without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.flow.check import CheckContext
from ivr.rehearsal.running import chosen, find_suites, run

pytestmark = pytest.mark.unit

FLOW = """flow: seen
language: en-US
start: show
steps:
  show:
    video: {room: support, announce: "A link is on its way.", invite: [{webhook: sms}]}
    nobody: alone
    AFTER
    failed: broken
  alone: {say: "Nobody came."}
  BEHIND
  broken: {say: "No room is free."}
"""

TESTS = """flow: seen
tests:
  - name: somebody joins
    call: [{hear: "link is on its way"}]
    expect: {reach: [show], end: JOINED}
  - name: nobody joins
    mock: {show: nobody}
    call: [{hear: "link is on its way"}, {hear: "nobody came"}]
    expect: {reach: [alone]}
  - name: no room
    mock: {show: {outcome: failed, after: 2s}}
    call: [{hear: "link is on its way"}, {hear: "no room is free"}]
    expect: {reach: [broken]}
"""


def flow_with(after: str) -> str:
    behind = 'rate: {say: "Was it good?"}' if after else ""
    return FLOW.replace("AFTER", after).replace("BEHIND", behind)


@pytest.mark.parametrize(("after", "joined"), [("", "transferred"), ("after: rate", "bot_hung_up, step: rate")])
def test_conversations_about_video(tmp_path: Path, after: str, joined: str) -> None:
    (tmp_path / "seen.yaml").write_text(flow_with(after))
    (tmp_path / "seen.test.yaml").write_text(TESTS.replace("JOINED", joined))
    suites, problems = find_suites([tmp_path], CheckContext())
    assert not problems, problems
    report = run(chosen(suites, ()))
    assert len(report.results) == 3 and not report.failed, report.results


def test_an_outcome_that_there_is_not_is_told(tmp_path: Path) -> None:
    (tmp_path / "seen.yaml").write_text(flow_with(""))
    (tmp_path / "seen.test.yaml").write_text(
        TESTS.replace("JOINED", "transferred").replace("show: nobody", "show: busy")
    )
    _, problems = find_suites([tmp_path], CheckContext())
    assert "a video does not end with 'busy'" in str(problems[0])
