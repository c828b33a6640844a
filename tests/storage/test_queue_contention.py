"""Several processes at the same queues and agents: no call is lost, none is doubled, and what a dead one had is freed.

The whole size is `benchmarks.queues_table`.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from benchmarks.queues import QUEUES, Plan, party, prepare
from benchmarks.queues_check import Notes, counts, faults, lost_calls
from ivr.acd.queue import CallState
from ivr.storage.queues import DatabaseQueues
from tests.waiting import wait_until

pytestmark = pytest.mark.adapter

LIMIT_S = 60


def test_processes_share_calls_and_agents_exactly(sqlite_url: str, tmp_path: Path) -> None:
    plan = Plan(3, 30, agents=6, lasts_s=45, speed=15, patience_s=150.0, tick_real_s=0.3)
    prepare(sqlite_url, plan)
    with party(sqlite_url, plan, tmp_path) as lead:
        assert lead.wait(LIMIT_S) == 0, "that many processes failed"
    notes, found = Notes.of(tmp_path), counts(sqlite_url)
    assert faults(sqlite_url, notes) == []
    assert (found["entered"], found["lost"]) == (90, 0)
    assert found["ended"] == len(notes.talks) > 40


@pytest.mark.postgres
def test_a_killed_process_loses_its_own_calls_only_and_its_agents_are_freed(postgres_url: str, tmp_path: Path) -> None:
    plan = Plan(
        processes=5, calls_each=30, agents=8, lasts_s=60, speed=15, patience_s=150.0, tick_real_s=0.3, lease_real_s=2.0
    )
    prepare(postgres_url, plan)
    with party(postgres_url, plan, tmp_path) as lead:
        assert lead.stdout is not None
        first, log = int(lead.stdout.readline()), tmp_path / "0.jsonl"
        wait_until(lambda: log.exists() and '"agent"' in log.read_text(), "the first process has talked")
        wait_until(lambda: waiting_calls(postgres_url, "process-0") > 1, "callers of the first process wait")
        os.kill(first, signal.SIGKILL)
        assert lead.wait(LIMIT_S) == 1, "none of the others failed"
    notes, found, lost = Notes.of(tmp_path), counts(postgres_url), lost_calls(postgres_url)
    assert faults(postgres_url, notes) == []
    assert found["entered"] >= 4 * 30 and found["ended"] > 60
    assert {call_id.split("-")[0] for call_id in lost} == {"0"}


def waiting_calls(url: str, owner: str) -> int:
    queues = DatabaseQueues(url, QUEUES)
    try:
        calls = queues.scene().calls
    finally:
        queues.close()
    return sum(call.owner == owner and call.state is CallState.WAITING for call in calls)
