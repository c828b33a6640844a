"""The one line that tells how all tests went, whichever process ran them."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "run_tests.py"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["= 3 passed, 1 skipped in 2.10s =\n", "=== 1 failed, 2 passed in 61.00s (0:01:01) ===\n"],
         "1 failed, 5 passed, 1 skipped"),
        (["2 passed, 1 warning in 0.10s\n", "2 passed, 2 warnings, 1 error in 0.10s\n"],
         "1 error, 4 passed, 3 warning"),
        (["tests/a.py: 3 passed the gate\n"], "no tests ran"),
    ],
)  # fmt: skip
def test_the_summary_counts_both_processes(lines: list[str], told: str) -> None:
    summary = runpy.run_path(str(SCRIPT))["_summary"](lines, 75.5)
    assert summary == f"{'=' * 20} {told} in 75.50s (1:15) {'=' * 20}"


def test_each_file_is_run_by_one_part() -> None:
    names = runpy.run_path(str(SCRIPT))
    root = SCRIPT.parent.parent
    alone = set(names["AUDIO"])
    assert all((root / path).is_file() for path in alone)
    assert all(f"--ignore={path}" in arguments for arguments in names["PARTS"].values() for path in alone)
