"""What workers say of themselves, and who believes it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ivr.errors import Problem, Severity
from ivr.publishing.worker_state import FlowState, StateFile, WorkerState, living_workers, shared_text

pytestmark = pytest.mark.adapter

PROBLEM = Problem("flows/demo.yaml", 3, 4, "a", "wrong; correct it", Severity.WARNING, "rule")


def state(name: str = "host/ivr", pid: int = 1) -> WorkerState:
    flows = {"demo": FlowState("abc", "flows/demo.yaml", "def", (PROBLEM,))}
    return WorkerState(name, pid, "auto", flows, (PROBLEM,), "demo: 1 of 2 prompts")


def test_a_state_comes_back_whole_and_goes_with_its_worker(tmp_path: Path) -> None:
    file = StateFile(tmp_path, "host/ivr")
    file.write(state())
    assert living_workers(tmp_path) == [state()]
    file.close()
    file.close()
    assert living_workers(tmp_path) == [] and list((tmp_path / "workers").iterdir()) == []


def test_what_all_workers_say_alike_can_be_made_once(tmp_path: Path) -> None:
    file = StateFile(tmp_path, "host/ivr")
    file.write(state(pid=7), shared_text(state("another", pid=1)))
    assert living_workers(tmp_path) == [state(pid=7)]
    file.close()


def test_workers_of_one_name_stand_side_by_side(tmp_path: Path) -> None:
    files = [StateFile(tmp_path, "host/ivr") for _ in range(3)]
    for number, file in enumerate(files):
        file.write(state(pid=number))
    assert sorted(each.pid for each in living_workers(tmp_path)) == [0, 1, 2]
    files[0].close()
    assert sorted(each.pid for each in living_workers(tmp_path)) == [1, 2]
    for file in files:
        file.close()


def test_the_state_of_a_worker_that_died_is_removed(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from ivr.publishing.worker_state import *\n"
        "StateFile(Path(sys.argv[1]), 'host/ivr').write(WorkerState('host/ivr', 7, 'auto')); os._exit(9)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False, timeout=30)
    assert done.returncode == 9 and len(list((tmp_path / "workers").iterdir())) == 2
    assert living_workers(tmp_path) == [] and list((tmp_path / "workers").iterdir()) == []


def test_a_state_that_cannot_be_written_or_read_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "workers").write_text("in the way")
    file = StateFile(tmp_path, "host/ivr")
    file.write(state())
    file.close()
    (tmp_path / "workers").unlink()
    other = StateFile(tmp_path, "host/ivr")
    other.write(state())
    (tmp_path / "workers" / "host-ivr.json").write_text("{")
    assert living_workers(tmp_path) == []
    other.close()
