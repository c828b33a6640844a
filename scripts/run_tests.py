"""Every test, in two pytest processes side by side: the real calls wait most of the time, the others compute.

What shares the lab's Asterisk stays in one process. Ends with one summary line of both, in pytest's form.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import IO

CALLS = ("tests/live", "tests/phone")
"""Folders whose tests call through the lab, or keep a sound device and its clock busy."""

_COUNT = re.compile(r"(\d+) (passed|failed|errors?|skipped|deselected|xfailed|xpassed|warnings?)\b")
_SUMMARY = re.compile(r"^(=+ )?\d+ (passed|failed|error|skipped).* in [\d.]+s.*$|^=+ .* in [\d.]+s.* =+$")


def main() -> int:
    """Run both; print the others' output as it comes, and that of the calls when they are over."""
    began_s = time.monotonic()
    with tempfile.TemporaryFile("w+") as said_by_calls:
        calls = _start([*CALLS, "-o", "cache_dir=.pytest_cache/calls"], said_by_calls)
        others = _start([f"--ignore={folder}" for folder in CALLS], subprocess.PIPE)
        try:
            lines = [_shown(line) for line in others.stdout or ()]
            statuses = [others.wait(), _wait(calls)]
        except KeyboardInterrupt:
            _stop(others, calls)
            return 130
        said_by_calls.seek(0)
        _shown(f"\n{'-' * 30} {' and '.join(CALLS)} {'-' * 30}\n")
        lines += [_shown(line) for line in said_by_calls]
    _shown(_summary(lines, time.monotonic() - began_s) + "\n")
    return max(abs(status) for status in statuses)


def _start(arguments: list[str], output: int | IO[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, text=True, bufsize=1)


def _shown(line: str) -> str:
    sys.stdout.write(line)
    sys.stdout.flush()
    return line


def _wait(calls: subprocess.Popen[str]) -> int:
    """Wait, and say every minute that one does."""
    while True:
        try:
            return calls.wait(60)
        except subprocess.TimeoutExpired:
            _shown(f"run_tests: waiting for the calls of {' and '.join(CALLS)}\n")


def _stop(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        process.send_signal(signal.SIGINT)
    for process in processes:
        process.wait()


def _summary(lines: list[str], lasted_s: float) -> str:
    counts: Counter[str] = Counter()
    for line in lines:
        if _SUMMARY.match(line.strip()):
            counts.update({word.removesuffix("s"): int(count) for count, word in _COUNT.findall(line)})
    order = ("failed", "error", "passed", "skipped", "deselected", "xfailed", "xpassed", "warning")
    told = ", ".join(f"{counts[word]} {word}" for word in order if counts[word]) or "no tests ran"
    return f"{'=' * 20} {told} in {lasted_s:.2f}s ({int(lasted_s) // 60}:{int(lasted_s) % 60:02}) {'=' * 20}"


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parent.parent)
    sys.exit(main())
