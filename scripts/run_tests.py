"""Every test, in four pytest processes side by side: most of them wait most of the time, for audio or for processes.

What shares the lab's Asterisk stays in one process. What measures audio by the millisecond comes last, with nothing
beside it. Up to twelve tests that failed run once more, alone: two processors that carry four test runs are late now
and then, as no telephone bot would be. Which did so is told. Ends with one summary line of all, in pytest's form.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

CALLS = ("tests/live",)
"""Folders whose tests make real calls."""
TELEPHONES = ("tests/phone",)
"""Folders whose tests keep a sound device and its clock busy: they come when the rest is over."""
ENGINES = tuple(f"tests/{name}" for name in ("contract", "deploy", "front", "services", "sip", "speech", "storage"))
"""Folders whose tests wait for engines, servers and containers."""
AUDIO = (
    "tests/live/test_codecs.py",
    "tests/live/test_dialog.py",
    "tests/live/test_echo.py",
    "tests/live/test_record.py",
    "tests/sip/test_playing.py",
    "tests/sip/test_rtp.py",
    "tests/testing/test_sip_peer_calls.py",
    "tests/testing/test_sip_peer_interop.py",
)
"""Files whose tests measure audio to the millisecond or sample: whatever else has the processors spoils it."""


def _without(*paths: str) -> list[str]:
    return [f"--ignore={path}" for path in paths]


PARTS = {
    "calls through the lab": [*CALLS, "--lab=only", *_without(*AUDIO)],  # tests/conftest.py knows the option
    "calls without it": [*CALLS, "--lab=without", *_without(*AUDIO)],
    "engines and services": [*ENGINES, *_without(*AUDIO)],
}
"""Name and arguments of what runs beside the rest; they need nothing of each other."""

SECOND_RUNS = 12
"""So many tests that failed get a second run; more are no coincidence."""
_CACHES = Path(".pytest_cache")

_COUNT = re.compile(r"(\d+) (passed|failed|errors?|skipped|deselected|xfailed|xpassed|warnings?)\b")
_SUMMARY = re.compile(r"^(=+ )?\d+ (passed|failed|error|skipped).* in [\d.]+s.*$|^=+ .* in [\d.]+s.* =+$")


def main() -> int:
    """Run all; print the rest's output as it comes, and that of each part when all are over."""
    began_s = time.monotonic()
    running: list[subprocess.Popen[str]] = []
    try:
        lines, statuses = _side_by_side(running)
        said, status = _alone("audio", AUDIO, running)
        statuses.append(status)
        counts = _counted([*lines, *said])
        failed = _failed()
        if failed and _may_run_again(failed, statuses):
            said, status = _alone("once more", failed, running)
            counts, statuses = _with_second_run(counts, _counted(said)), [status]
    except KeyboardInterrupt:
        _stop(*running)
        return 130
    _shown(_summary(counts, time.monotonic() - began_s) + "\n")
    return max(abs(status) for status in statuses)


def _alone(name: str, tests: Sequence[str], running: list[subprocess.Popen[str]]) -> tuple[list[str], int]:
    """Run these with nothing beside; what they said, and how they ended."""
    _heading(name)
    process = _start([*tests, *_own_cache(name)], subprocess.PIPE)
    running[:] = [process]
    return _said(process), process.wait()


def _failed() -> list[str]:
    """The tests that failed, or had an error before or after, in all parts."""
    kept = _CACHES.glob("*/v/cache/lastfailed")
    return sorted({test for path in kept for test, failed in json.loads(path.read_text()).items() if failed})


def _may_run_again(failed: Sequence[str], statuses: Sequence[int]) -> bool:
    """Few, each a test and no file that could not be read, and no part ended but by failures (pytest's status 1)."""
    return len(failed) <= SECOND_RUNS and all("::" in test for test in failed) and set(statuses) <= {0, 1}


def _side_by_side(running: list[subprocess.Popen[str]]) -> tuple[list[str], list[int]]:
    """What they said, and how they ended. They are in `running` meanwhile."""
    with ExitStack() as stack:
        parts = {
            name: _Part(name, arguments, stack.enter_context(tempfile.TemporaryFile("w+")))
            for name, arguments in PARTS.items()
        }
        # Calls keep time; what only computes stands back for them.
        others = _without(*CALLS, *TELEPHONES, *ENGINES, *AUDIO)
        rest = _start([*others, *_own_cache("rest")], subprocess.PIPE, niceness=10)
        running += [rest, *(part.process for part in parts.values())]
        lines, statuses = _said(rest), [rest.wait()]
        _heading("telephones")
        telephones = _start([*TELEPHONES, *_own_cache("telephones")], subprocess.PIPE)
        running.append(telephones)
        lines += _said(telephones)
        statuses += [telephones.wait(), *(_wait(part.process, name) for name, part in parts.items())]
        for name, part in parts.items():
            _heading(name)
            lines += [_shown(line) for line in part.said()]
        return lines, statuses


class _Part:
    """A process beside the rest, and what it says."""

    def __init__(self, name: str, arguments: list[str], output: IO[str]) -> None:
        self._output = output
        niceness = 0 if arguments[0] in CALLS else 10
        self.process = _start([*arguments, *_own_cache(name)], output, niceness)

    def said(self) -> list[str]:
        self._output.seek(0)
        return list(self._output)


def _own_cache(part: str) -> list[str]:
    """pytest writes there which tests failed; nothing of an earlier run is left in it."""
    return ["--cache-clear", "-o", f"cache_dir={_CACHES / part.replace(' ', '-')}"]


def _start(arguments: list[str], output: int | IO[str], niceness: int = 0) -> subprocess.Popen[str]:
    command = ["nice", "-n", str(niceness), sys.executable, "-m", "pytest", *arguments]
    return subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, text=True, bufsize=1)


def _said(process: subprocess.Popen[str]) -> list[str]:
    """All that it says, shown as it comes."""
    return [_shown(line) for line in process.stdout or ()]


def _heading(name: str) -> None:
    _shown(f"\n{'-' * 30} {name} {'-' * 30}\n")


def _shown(line: str) -> str:
    sys.stdout.write(line)
    sys.stdout.flush()
    return line


def _wait(calls: subprocess.Popen[str], name: str) -> int:
    """Wait, and say every minute that one does."""
    while True:
        try:
            return calls.wait(60)
        except subprocess.TimeoutExpired:
            _shown(f"run_tests: waiting for the {name}\n")


def _stop(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        process.send_signal(signal.SIGINT)
    for process in processes:
        process.wait()


def _counted(lines: Iterable[str]) -> Counter[str]:
    """What the summary lines among them say, added up."""
    counts: Counter[str] = Counter()
    for line in lines:
        if _SUMMARY.match(line.strip()):
            counts.update({word.removesuffix("s"): int(count) for count, word in _COUNT.findall(line)})
    return counts


def _with_second_run(first: Counter[str], second: Counter[str]) -> Counter[str]:
    """What the second run says takes the place of the failures that it repeated."""
    kept = Counter({word: count for word, count in first.items() if word not in ("failed", "error")})
    return kept + second


def _summary(counts: Counter[str], lasted_s: float) -> str:
    order = ("failed", "error", "passed", "skipped", "deselected", "xfailed", "xpassed", "warning")
    told = ", ".join(f"{counts[word]} {word}" for word in order if counts[word]) or "no tests ran"
    return f"{'=' * 20} {told} in {lasted_s:.2f}s ({int(lasted_s) // 60}:{int(lasted_s) % 60:02}) {'=' * 20}"


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parent.parent)
    shutil.rmtree(_CACHES, ignore_errors=True)
    sys.exit(main())
