"""What docs/testing-flows.md shows is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ivr.check_context import queues_context
from ivr.config import Settings
from ivr.flow.check import CheckContext
from ivr.rehearsal.acts import VERBS
from ivr.rehearsal.running import chosen, find_suites, run
from ivr.yaml_source import read_yaml

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "testing-flows.md").read_text(encoding="utf-8")


def test_the_example_goes_as_written(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "demo.yaml").write_bytes((ROOT / "flows" / "demo.yaml").read_bytes())
    (tmp_path / "demo.test.yaml").write_text(example, encoding="utf-8")
    suites, problems = find_suites([tmp_path], CheckContext())
    assert not problems
    report = run(chosen(suites, ()))
    assert report.results and not report.failed


def test_the_flow_with_a_queue_and_its_conversations_go_as_written(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "queues.md").read_text(encoding="utf-8").partition("## In a flow\n")[2]
    settings, flow, conversations = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "helpdesk.yaml").write_text(flow, encoding="utf-8")
    (tmp_path / "helpdesk.test.yaml").write_text(conversations, encoding="utf-8")
    queues = Settings.model_validate(read_yaml(settings, "ivr.yaml").data).queues
    suites, problems = find_suites([tmp_path], CheckContext(queues=queues_context(queues)))
    assert not problems
    report = run(chosen(suites, ()))
    assert len(report.results) == 3 and not report.failed


def test_every_verb_is_on_the_page() -> None:
    missing = [verb for verb in VERBS if verb not in PAGE and verb.replace("_", " ") not in PAGE]
    assert not missing
