"""Folders of flow files."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.errors import FlowError
from ivr.flows import content_of, flow_files, load_file, load_folder
from ivr.yaml_source import MAX_SOURCE_BYTES

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


@pytest.mark.parametrize("kind", ["a folder", "a link to itself", "a link to nothing", "a file that gives nothing"])
def test_what_cannot_be_read_is_a_problem_with_place_and_remedy(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "odd.yaml"
    match kind:
        case "a folder":
            path.mkdir()
        case "a link to itself":
            path.symlink_to(path)
        case "a link to nothing":
            path.symlink_to(tmp_path / "nothing")
        case _:
            path = Path("/proc/self/mem")  # its rights are fine, and reading it fails
    with pytest.raises(FlowError, match=r":1:1: the file cannot be read \(.+\); check its name and rights"):
        load_file(path)


def test_folders_and_links_that_lead_round_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, "good.yaml", "good")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
    (tmp_path / "round").symlink_to(tmp_path)
    assert flow_files(tmp_path) == [tmp_path / "good.yaml"]
    assert load_folder(tmp_path).problems == ()


def test_of_a_huge_file_no_more_is_read_than_shows_that_it_is(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # takes no room on the disk
    assert len(content_of(path)) == MAX_SOURCE_BYTES + 1
    with pytest.raises(FlowError, match="the file is larger than 1 MB; split it into several files"):
        load_file(path)
