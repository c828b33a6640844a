"""What the benchmarks read of processes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks import machine
from benchmarks.figures import Figure

pytestmark = pytest.mark.adapter

CHILD = "import time\nwhile time.process_time() < 0.3: pass\nprint('busy', flush=True)\ninput()"
PARENT = (
    f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {CHILD!r}])\nprint('ended', flush=True)\ninput()"
)


def test_the_time_of_a_process_that_ends_meanwhile_stays_in_the_sum() -> None:
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdin is not None and parent.stdout is not None
        assert parent.stdout.readline() == "busy\n"
        with_child = machine.tree(parent.pid)
        before_s = machine.cpu_s(with_child)
        parent.stdin.write("\n")
        parent.stdin.flush()
        assert parent.stdout.readline() == "ended\n"
        without_child = machine.tree(parent.pid)
        after_s = machine.cpu_s(without_child)
        parent.stdin.write("\n")
    assert len(with_child) == 2 and len(without_child) == 1
    assert 0.25 <= before_s <= after_s


def test_a_figure_that_must_not_be_below_a_limit() -> None:
    assert Figure("engine", "events/s", 50_000, least=50_000).verdict == "pass"
    assert Figure("engine", "events/s", 49_999, least=50_000).verdict == "missed"
