"""The one line that tells how all tests went, whichever process ran them, and which tests get a second run."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.unit

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "run_tests.py"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


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
def test_the_summary_counts_both_processes(script: dict[str, Any], lines: list[str], told: str) -> None:
    assert script["_summary"](script["_counted"](lines), 75.5) == f"{'=' * 20} {told} in 75.50s (1:15) {'=' * 20}"


def test_a_second_run_takes_the_place_of_the_failures_it_repeats(script: dict[str, Any]) -> None:
    first = script["_counted"](["2 failed, 1 error, 7 passed, 1 skipped in 9.00s\n"])
    again = script["_counted"](["1 failed, 2 passed in 3.00s\n"])
    assert script["_with_second_run"](first, again) == {"failed": 1, "passed": 9, "skipped": 1}


def test_what_failed_in_any_part_is_known(
    script: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for part, failed in {"rest": {"tests/a.py::test_b": True}, "audio": {"tests/c.py::test_d[x y]": True}}.items():
        kept = tmp_path / ".pytest_cache" / part / "v" / "cache" / "lastfailed"
        kept.parent.mkdir(parents=True)
        kept.write_text(json.dumps(failed))
    monkeypatch.chdir(tmp_path)
    assert script["_failed"]() == ["tests/a.py::test_b", "tests/c.py::test_d[x y]"]


@pytest.mark.parametrize(
    ("failed", "statuses", "again"),
    [
        (["a.py::b"], [0, 1, 0], True),
        (["a.py::b"] * 13, [1], False),
        (["a.py"], [2], False),
        (["a.py::b"], [1, -11], False),
    ],
    ids=["few", "many", "a file that cannot be read", "a part that crashed"],
)
def test_a_second_run_is_for_a_few_tests_that_failed(
    script: dict[str, Any], failed: list[str], statuses: list[int], *, again: bool
) -> None:
    assert script["_may_run_again"](failed, statuses) is again


def test_each_file_is_run_by_one_part(script: dict[str, Any]) -> None:
    root = SCRIPT.parent.parent
    alone = set(script["AUDIO"])
    assert all((root / path).is_file() for path in alone)
    assert all(f"--ignore={path}" in arguments for arguments in script["PARTS"].values() for path in alone)
