"""The helper process of a call log, looked at from outside."""

from __future__ import annotations

from pathlib import Path

from ivr.storage.call_log import DatabaseCallLog
from tests.waiting import wait_until


def helper_of(log: DatabaseCallLog) -> int:
    """Its process id. There must be one."""
    pid = log._database.pid
    assert pid is not None
    return pid


def wait_for_rest(log: DatabaseCallLog) -> None:
    wait_until(lambda: log._database.pid is None, "the helper process ended")


def is_running(pid: int) -> bool:
    """Whether there is such a process that is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def niceness(pid: int) -> int:
    """See proc_pid_stat(5), field 19."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[16])
