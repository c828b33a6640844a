"""What Linux says of its processors, read from files as they are there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ivr.processors import ProcessorTimes, read_processors

pytestmark = pytest.mark.unit

HZ = os.sysconf("SC_CLK_TCK")


def machine(folder: Path, **files: str) -> Path:
    ours = sorted(os.sched_getaffinity(0))[0]
    row = f"{100 * HZ} {7 * HZ} {20 * HZ} {300 * HZ} {9 * HZ} {2 * HZ} {3 * HZ} {5 * HZ} {50 * HZ} 0"
    stat = f"cpu  9 9 9 9 9 9 9 9 9 9\ncpu{ours} {row}\ncpu99999 {row}\nintr 1 2 3\n"
    given = {"proc/stat": stat, "proc/self/cgroup": "1:cpu:/\n0::/bot.service\n", **files}
    for name, text in given.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def test_work_that_stands_back_and_processors_of_others_do_not_count(tmp_path: Path) -> None:
    assert read_processors(machine(tmp_path)) == ProcessorTimes(125, 441, 0, 0)


def test_a_quota_of_the_control_group_is_seen(tmp_path: Path) -> None:
    group = "sys/fs/cgroup/bot.service"
    files = {f"{group}/cpu.max": "150000 100000\n", f"{group}/cpu.stat": "usage_usec 2500000\nuser_usec 1\n"}
    times = read_processors(machine(tmp_path, **files))
    assert (times.group_s, times.group_processors) == (2.5, 1.5)


@pytest.mark.parametrize("written", ["max 100000\n", "", "0\n"])
def test_no_quota_is_no_limit(tmp_path: Path, written: str) -> None:
    times = read_processors(machine(tmp_path, **{"sys/fs/cgroup/bot.service/cpu.max": written}))
    assert times.group_processors == 0


def test_a_machine_that_counts_nothing_is_no_error(tmp_path: Path) -> None:
    assert read_processors(tmp_path) == ProcessorTimes(0, 0, 0, 0)


def test_this_machine_counts() -> None:
    times = read_processors()
    assert 0 < times.busy_s < times.all_s
