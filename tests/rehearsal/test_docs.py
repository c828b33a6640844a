"""What docs/testing-flows.md shows is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ivr.flow.check import CheckContext
from ivr.rehearsal.acts import VERBS
from ivr.rehearsal.running import chosen, find_suites, run

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


def test_every_verb_is_on_the_page() -> None:
    missing = [verb for verb in VERBS if verb not in PAGE and verb.replace("_", " ") not in PAGE]
    assert not missing
