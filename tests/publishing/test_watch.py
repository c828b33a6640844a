"""Noticing that files changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ivr.flows import flow_files
from ivr.publishing.watch import has_changed_below, look

pytestmark = pytest.mark.adapter


def change_unnoticed(file: Path) -> None:
    """Other content of the same length, with the time that the file had."""
    before = file.stat()
    file.write_bytes(file.read_bytes().upper())
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_every_kind_of_change_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "below" / "demo.yaml"
    file.parent.mkdir()
    looks = [look([tmp_path])]
    for change in (
        lambda: file.write_text("one"),
        lambda: file.write_text("other"),
        lambda: os.utime(file, ns=(1, 1)),
        lambda: change_unnoticed(file),
        lambda: (tmp_path / "new").write_text("one") and (tmp_path / "new").replace(file),
        lambda: file.rename(file.with_name("renamed.yaml")),
        lambda: file.with_name("renamed.yaml").unlink(),
    ):
        change()
        looks.append(look([tmp_path]))
        assert looks[-1] != looks[-2]
    assert looks[-1] == looks[0] == {}


def test_hidden_files_links_to_nowhere_and_loops_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / ".demo.yaml.swp").write_text("")
    (tmp_path / "lock").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "real.yaml").write_text("")
    seen = look([tmp_path, tmp_path / "absent"])
    assert {Path(name).name for name in seen} == {"real.yaml"} and len(seen) < 20


def test_the_files_of_a_config_map_are_seen_once_and_when_it_is_swapped(tmp_path: Path) -> None:
    flows = tmp_path / "flows"
    for version in ("..1", "..2"):
        (flows / version).mkdir(parents=True)
        (flows / version / "demo.yaml").write_text(version)
    (flows / "..data").symlink_to("..1")
    (flows / "demo.yaml").symlink_to("..data/demo.yaml")
    assert flow_files(flows) == [flows / "demo.yaml"]
    before = look([flows])
    (flows / "..new").symlink_to("..2")
    (flows / "..new").replace(flows / "..data")
    assert look([flows]) != before


def test_flows_behind_a_link_are_read_and_a_loop_ends(tmp_path: Path) -> None:
    flows, elsewhere = tmp_path / "flows", tmp_path / "elsewhere"
    for folder in (flows / ".git", elsewhere):
        folder.mkdir(parents=True)
        (folder / "demo.yaml").write_text("")
    (flows / "more").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(flows)
    (flows / "gone.yaml").symlink_to(tmp_path / "nowhere")
    (flows / "folder.yaml").mkdir()
    os.mkfifo(flows / "pipe.yaml")
    assert flow_files(flows) == [flows / "more" / "demo.yaml"]
    assert list(look([flows])) == [str(flows / "more" / "demo.yaml")]


def test_a_change_is_told_by_its_folder(tmp_path: Path) -> None:
    flows, sounds = tmp_path / "flows", tmp_path / "sounds"
    for folder in (flows, sounds):
        folder.mkdir()
    before = look([flows, sounds])
    (sounds / "new.wav").write_text("")
    now = look([flows, sounds])
    assert has_changed_below(sounds, before, now) and not has_changed_below(flows, before, now)
