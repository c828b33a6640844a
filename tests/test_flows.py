"""Folders of flow files."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.errors import FlowError
from ivr.flows import flow_files, load_file, load_folder

pytestmark = pytest.mark.unit

FLOW = "flow: {name}\nstart: a\nsteps:\n  a:\n    hang_up: true\n"


def write(folder: Path, file: str, name: str) -> Path:
    path = folder / file
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(FLOW.format(name=name), encoding="utf-8")
    return path


def test_a_folder_gives_its_flows_by_name_and_leaves_tests_of_flows_out(tmp_path: Path) -> None:
    write(tmp_path, "one.yaml", "first")
    write(tmp_path, "below/two.yml", "second")
    write(tmp_path, "one.test.yaml", "third")
    (tmp_path / "notes.txt").write_text("nothing")
    found = load_folder(tmp_path)
    assert set(found.flows) == {"first", "second"}
    assert found.problems == ()
    assert [file.name for file in flow_files(tmp_path)] == ["two.yml", "one.yaml"]


def test_a_file_that_cannot_be_read_does_not_keep_the_others_out(tmp_path: Path) -> None:
    write(tmp_path, "good.yaml", "good")
    (tmp_path / "bad.yaml").write_text("flow: *")
    found = load_folder(tmp_path)
    assert set(found.flows) == {"good"}
    assert [(Path(p.file).name, p.line, p.column) for p in found.problems] == [("bad.yaml", 1, 7)]


def test_of_two_flows_with_one_name_the_second_is_a_problem(tmp_path: Path) -> None:
    first, second = write(tmp_path, "a.yaml", "same"), write(tmp_path, "b.yaml", "same")
    found = load_folder(tmp_path)
    assert found.flows["same"].file == str(first)
    assert [str(p) for p in found.problems] == [
        f"{second}:1:7: flow: a flow named 'same' is already in {first}; give this one another name"
    ]


def test_a_draft_stands_beside_its_flow_under_a_name_of_its_own(tmp_path: Path) -> None:
    write(tmp_path, "demo.yaml", "demo")
    draft = write(tmp_path, "drafts/demo.yaml", "demo")
    write(tmp_path, ".hidden.yaml", "hidden")
    found = load_folder(tmp_path)
    assert set(found.flows) == {"demo", "demo+draft"} and found.problems == ()
    assert found.flows["demo+draft"].file == str(draft)


def test_a_missing_folder_or_file_is_told(tmp_path: Path) -> None:
    assert "there is no such folder" in load_folder(tmp_path / "none").problems[0].message
    with pytest.raises(FlowError, match=r"none.yaml:1:1: the file cannot be read \(No such file or directory\); check"):
        load_file(tmp_path / "none.yaml")
