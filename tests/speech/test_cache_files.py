"""The cache folder: bounded, shared, never losing what is in use."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ivr.errors import MediaFailed
from ivr.speech.cache_files import CacheFolder
from ivr.speech.pcm import silence, write_wav

pytestmark = pytest.mark.adapter

KEYS = [f"{number:064x}" for number in range(0, 256 * 20, 256)]
FILE_BYTES = 8044


def write(path: Path) -> None:
    write_wav(path, silence(0.5, 8000))


def aged(folder: CacheFolder, key: str, age_s: float) -> None:
    then = time.time() - age_s
    os.utime(folder.path(key), (then, then))


def filled(folder: CacheFolder, count: int) -> None:
    """Files of which the first is the longest unused."""
    for index, key in enumerate(KEYS[:count]):
        folder.put(key, write)
        aged(folder, key, 10_000 - index)


def present(folder: CacheFolder) -> list[str]:
    return [key for key in KEYS if folder.path(key).exists()]


def test_a_file_is_found_again_after_a_restart(tmp_path: Path) -> None:
    CacheFolder(tmp_path, 10**6).put(KEYS[0], write)
    assert CacheFolder(tmp_path, 10**6).get(KEYS[0]) is not None


def test_the_longest_unused_files_go_first(tmp_path: Path) -> None:
    folder = CacheFolder(tmp_path, FILE_BYTES * 10)
    filled(folder, 10)
    folder.put(KEYS[10], write)
    assert present(folder) == KEYS[2:11]


def test_a_use_makes_a_file_young(tmp_path: Path) -> None:
    folder = CacheFolder(tmp_path, FILE_BYTES * 10)
    filled(folder, 10)
    folder.get(KEYS[0])
    folder.put(KEYS[10], write)
    assert KEYS[0] in present(folder)
    assert KEYS[1] not in present(folder)


def test_pinned_files_stay(tmp_path: Path) -> None:
    folder = CacheFolder(tmp_path, FILE_BYTES * 10)
    filled(folder, 10)
    folder.pin(KEYS[:3])
    folder.put(KEYS[10], write)
    assert present(folder) == KEYS[:3] + KEYS[5:11]
    folder.unpin(KEYS[:3])
    for key in KEYS[11:13]:
        folder.put(key, write)
    assert KEYS[0] not in present(folder)
    folder.close()


def test_what_another_process_kept_is_kept_until_it_is_let_go(tmp_path: Path) -> None:
    other = CacheFolder(tmp_path, FILE_BYTES * 20)
    filled(other, 10)
    other.pin(KEYS[:3] + KEYS[15:16])
    before = other.pinned()
    other.unpin(KEYS[:1])
    now = other.pinned()
    other.close()
    folder = CacheFolder(tmp_path, FILE_BYTES * 10)
    assert folder.take_over(before) and folder.take_over(now), "a file that never was is not missed"
    assert folder.pinned() == before
    (pins,) = (tmp_path / "pins").iterdir()
    assert set(pins.read_text().split()) == before.keys, "other processes see that"
    folder.let_go(before)
    folder.put(KEYS[10], write)
    assert present(folder) == KEYS[1:3] + KEYS[4:11]
    folder.path(KEYS[1]).unlink()
    assert not folder.take_over(now), "one is gone"
    folder.close()


def test_files_used_a_moment_ago_stay_even_over_the_limit(tmp_path: Path) -> None:
    folder = CacheFolder(tmp_path, FILE_BYTES * 3)
    for key in KEYS[:6]:
        folder.put(key, write)
    assert present(folder) == KEYS[:6]


def test_what_another_process_has_pinned_stays(tmp_path: Path) -> None:
    mine = CacheFolder(tmp_path, FILE_BYTES * 10)
    filled(mine, 10)
    script = (
        "import sys; from pathlib import Path; from ivr.speech.cache_files import CacheFolder\n"
        f"folder = CacheFolder(Path({str(tmp_path)!r}), 10**6); folder.pin([{KEYS[0]!r}])\n"
        "print('pinned', flush=True); sys.stdin.readline()"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    other = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "pinned\n"
    mine.put(KEYS[10], write)
    assert KEYS[0] in present(mine)
    other.kill()
    other.communicate()
    mine.put(KEYS[11], write)
    mine.evict()
    mine.put(KEYS[12], write)
    assert KEYS[0] not in present(mine), "a dead process holds nothing"
    assert list((tmp_path / "pins").iterdir()) == []


@pytest.mark.parametrize("damage", [b"", b"RIFF nonsense", b"\0" * 5000])
def test_a_damaged_file_is_as_good_as_absent(tmp_path: Path, damage: bytes) -> None:
    CacheFolder(tmp_path, 10**6).put(KEYS[0], write)
    folder = CacheFolder(tmp_path, 10**6)
    folder.path(KEYS[0]).write_bytes(damage)
    assert folder.get(KEYS[0]) is None
    assert not folder.path(KEYS[0]).exists()


def test_a_file_damaged_while_in_use_is_noticed(tmp_path: Path) -> None:
    folder = CacheFolder(tmp_path, 10**6)
    folder.put(KEYS[0], write)
    path = folder.get(KEYS[0])
    assert path is not None
    path.write_bytes(path.read_bytes()[:1000])
    assert folder.get(KEYS[0]) is None


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    folder = CacheFolder(tmp_path, 10**6)

    def fails(path: Path) -> None:
        path.write_bytes(b"half")
        raise MediaFailed("disk trouble")

    with pytest.raises(MediaFailed, match="disk trouble"):
        folder.put(KEYS[0], fails)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_unusable_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MediaFailed, match=r"speech\.cache_dir"):
        CacheFolder(tmp_path / "file", 10**6)


def put_many(folder: str) -> None:
    cache = CacheFolder(Path(folder), FILE_BYTES * 8, recent_s=0.0)
    for _ in range(10):
        for key in KEYS:
            if cache.get(key) is None:
                cache.put(key, write)


def test_several_processes_write_and_evict_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=put_many, args=(str(tmp_path),)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    folder = CacheFolder(tmp_path, 10**6)
    assert all(folder.get(key) is not None for key in present(folder))
    assert list(tmp_path.rglob("*.tmp")) == []
