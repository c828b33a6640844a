"""From paths to conversations with their flows."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr import flows
from ivr.flow.check import CheckContext
from ivr.rehearsal.running import chosen, find_suites
from tests.rehearsal.files import FLOW

pytestmark = pytest.mark.unit


def test_a_flow_is_read_once_however_many_files_of_conversations_lie_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    content_of = flows.content_of

    def counting(file: Path) -> bytes:
        read.append(file.name)
        return content_of(file)

    monkeypatch.setattr(flows, "content_of", counting)
    (tmp_path / "small.yaml").write_text(FLOW)
    (tmp_path / "other.yaml").write_text(FLOW.replace("flow: small", "flow: other"))
    (tmp_path / "broken.yaml").write_text("flow: broken\nsteps: {}\n")
    for number in range(5):
        call = "{name: hangs up, call: [hang up]}"
        (tmp_path / f"small{number}.test.yaml").write_text(f"flow: small\ntests: [{call}]\n")
        (tmp_path / f"other{number}.test.yaml").write_text(f"flow: other\ntests: [{call}]\n")
    context = CheckContext(targets=frozenset({"agent"}))
    suites, problems = find_suites([tmp_path], context)
    assert sorted(read) == ["broken.yaml", "other.yaml", "small.yaml"]
    assert len(chosen(suites, [])) == 10 and not problems
    assert [suite.flow.flow.flow for suite in suites] == ["other"] * 5 + ["small"] * 5
