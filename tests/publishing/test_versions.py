"""Kept versions on a real folder."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ivr.errors import PublishingError
from ivr.flow.loader import content_version
from ivr.publishing.files import user_name, write_atomically
from ivr.publishing.versions import REMOVED, SET_ASIDE, Publication, VersionStore

pytestmark = pytest.mark.adapter

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def keep(store: VersionStore, text: str, how: str = "edited", name: str = "demo") -> str:
    content = text.encode()
    version = content_version(content)
    at = START + timedelta(minutes=len(store.history(name)))
    store.record(name, content, Publication(version, at, "ann", how, f"/flows/{name}.yaml"))
    return version


@pytest.fixture
def store(tmp_path: Path) -> VersionStore:
    return VersionStore(tmp_path / "var" / "flows", keep=3)


def test_a_version_comes_back_byte_for_byte(store: VersionStore) -> None:
    version = keep(store, "flow: demo\r\n# ä\n")
    assert store.content("demo", version) == "flow: demo\r\n# ä\n".encode()
    (entry,) = store.history("demo")
    assert entry == Publication(version, START, "ann", "edited", "/flows/demo.yaml")
    assert store.published() == {"demo": entry}


def test_nothing_is_kept_yet(store: VersionStore) -> None:
    assert store.names() == [] and store.published() == {} and store.history("demo") == []
    assert not store.folder.exists(), "reading makes nothing"
    with pytest.raises(PublishingError, match="no version of 'demo' is kept in"):
        store.find("demo", "a")


def test_what_is_in_service_is_not_recorded_twice(store: VersionStore) -> None:
    first = keep(store, "one")
    keep(store, "one")
    assert [entry.version for entry in store.history("demo")] == [first]
    keep(store, "two")
    keep(store, "one")
    assert store.history("demo")[0].version == first and len(store.history("demo")) == 3


def test_the_oldest_go_first_and_their_content_with_them(store: VersionStore) -> None:
    versions = [keep(store, text) for text in ("one", "two", "three", "four")]
    assert [entry.version for entry in store.history("demo")] == versions[:0:-1]
    assert sorted(file.stem for file in (store.folder / "demo").glob("*.yaml")) == sorted(versions[1:])


def test_what_was_set_aside_is_never_in_service_and_never_displaces_it(store: VersionStore) -> None:
    live = keep(store, "live")
    for text in ("draft 1", "draft 2", "draft 3", "draft 4"):
        keep(store, text, SET_ASIDE)
    assert store.published()["demo"].version == live
    assert store.content("demo", live) == b"live"


def test_a_removed_flow_is_not_published_and_its_versions_stay(store: VersionStore) -> None:
    version = keep(store, "one")
    store.record_removed("demo", Publication(version, START, "ann", REMOVED, "/flows/demo.yaml"))
    store.record_removed("demo", Publication(version, START, "ann", REMOVED, "/flows/demo.yaml"))
    assert store.published() == {}
    assert [entry.how for entry in store.history("demo")] == [REMOVED, "edited"]
    assert store.content("demo", version) == b"one"


def test_a_version_is_found_by_its_beginning(store: VersionStore) -> None:
    first, second = keep(store, "one"), keep(store, "two")
    assert store.find("demo", first[:4].upper()) == first
    with pytest.raises(PublishingError, match="begins with 'zz'; see `ivr flows versions demo`"):
        store.find("demo", "zz")
    with pytest.raises(PublishingError, match=f"more than one version \\({second}, {first}\\)"):
        store.find("demo", "")


def test_a_content_that_was_changed_by_hand_is_refused(store: VersionStore) -> None:
    version = keep(store, "one")
    (store.folder / "demo" / f"{version}.yaml").write_text("other")
    with pytest.raises(PublishingError, match="was changed by hand"):
        store.content("demo", version)


def test_a_torn_index_is_named_and_costs_the_other_flows_nothing(store: VersionStore) -> None:
    keep(store, "one")
    keep(store, "one", name="other")
    (store.folder / "demo" / "index.json").write_text('{"history": [')
    with pytest.raises(PublishingError, match=r"index\.json cannot be read"):
        store.history("demo")
    assert set(store.published()) == {"other"}


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PublishingError, match=r"cannot be written .*publishing\.versions_dir"):
        VersionStore(tmp_path / "file" / "flows").record(
            "demo", b"one", Publication("abc", START, "ann", "edited", "/flows/demo.yaml")
        )


def test_workers_that_record_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    stores = [VersionStore(tmp_path / "flows") for _ in range(4)]

    def work(index: int) -> None:
        for number in range(5):
            keep(stores[index], f"worker {index} number {number}")

    threads = [threading.Thread(target=work, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    history = stores[0].history("demo")
    assert len({entry.version for entry in history}) == 20
    assert all(stores[0].content("demo", entry.version) for entry in history)


def test_a_file_is_replaced_whole_and_keeps_mode_and_links(tmp_path: Path) -> None:
    real = tmp_path / "real.yaml"
    real.write_text("old")
    real.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(real)
    write_atomically(link, b"new")
    assert link.is_symlink() and real.read_bytes() == b"new" and real.stat().st_mode & 0o777 == 0o640
    assert sorted(file.name for file in tmp_path.iterdir()) == ["link.yaml", "real.yaml"]


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    assert user_name(4_000_111) == "4000111"
    monkeypatch.setenv("SUDO_USER", "ann")
    assert user_name() == "ann" and user_name(0) == "root"
