"""The same cases over the call log in memory, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from ivr.calls.record import CallRecord, StepLine
from ivr.ports import CallLog, EndReason
from ivr.storage.calls import CallRepository
from ivr.testing.call_log import MemoryCallLog
from tests.storage.conftest import OpenLog
from tests.storage.records import BEGIN, at, ended, menu_step, started, write_call

pytestmark = pytest.mark.adapter


@dataclass
class Subject:
    """A log and the ways to read it, after everything given to it was written."""

    log: CallLog
    get: Callable[[str], CallRecord]
    last: Callable[[int], list[CallRecord]]
    settle: Callable[[], None]


def _memory() -> Subject:
    log = MemoryCallLog()
    return Subject(log, log.get, log.last, lambda: None)


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def subject(request: pytest.FixtureRequest, open_log: OpenLog) -> Iterator[Subject]:
    if request.param == "memory":
        yield _memory()
        return
    url = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    log = open_log(url)
    with CallRepository(url) as repository:
        yield Subject(log, repository.get, repository.last, log.close)


def test_whole_call_reads_back_as_it_was_reported(subject: Subject) -> None:
    subject.log.call_started(started())
    subject.log.step_done(menu_step())
    subject.log.call_ended(ended())
    subject.settle()
    assert subject.get("call-1") == CallRecord(
        id="call-1",
        started_at=BEGIN,
        answered_at=at(0.5),
        ended_at=at(61.75),
        ani="+493012345",
        dnis="100",
        account="trunk",
        flow="demo",
        flow_version="a1b2c3d4e5",
        end_reason="transferred",
        ended_by="caller",
        sip_status=200,
        hangup_cause=16,
        transfer_target="sales",
        rtp_loss=0.0125,
        rtp_jitter_ms=2.5,
        mos=4.25,
        sip_call_id="call-1@10.0.0.1",
        worker="host/1",
        variables={"amount": 12.5, "items": ["a", {"b": None}], "pin": "***", "schön": True},
        steps=(
            StepLine(
                sequence=1,
                step="main_menu",
                kind="menu",
                started_at=at(1.0),
                ended_at=at(4.5),
                attempt=1,
                outcome="match",
                mode="voice",
                prompt="Sales or “support”?\nSay it, or press – 1 äöü",
                heard="sales please",
                meaning="sales",
                confidence=0.875,
            ),
        ),
    )


def test_instants_come_back_utc_aware(subject: Subject) -> None:
    write_call(subject.log, "call-1")
    subject.settle()
    record = subject.get("call-1")
    assert [record.started_at.utcoffset(), record.steps[0].started_at.utcoffset()] == [timedelta(0)] * 2
    assert record.steps[0].ended_at == at(4.5)  # was reported in another zone


def test_open_call_has_no_end(subject: Subject) -> None:
    subject.log.call_started(started())
    subject.settle()
    record = subject.get("call-1")
    assert (record.ended_at, record.end_reason, record.sip_status, dict(record.variables)) == (None, None, None, {})


def test_repeated_records_double_nothing(subject: Subject) -> None:
    for _ in range(3):
        write_call(subject.log, "call-1", steps=2)
    subject.settle()
    assert [step.sequence for step in subject.get("call-1").steps] == [1, 2]
    assert len(subject.last(10)) == 1


def test_records_in_any_order_make_the_same_call(subject: Subject) -> None:
    subject.log.call_ended(ended())
    subject.log.step_done(menu_step(sequence=2))
    subject.log.step_done(menu_step(sequence=1))
    subject.log.call_started(started())
    subject.settle()
    straight = _memory()
    write_call(straight.log, "call-1", steps=2)
    assert subject.get("call-1") == straight.get("call-1")


def test_end_without_a_start_is_kept(subject: Subject) -> None:
    subject.log.call_ended(ended())
    subject.settle()
    record = subject.get("call-1")
    assert (record.started_at, record.ani, record.end_reason) == (at(0.5), "", "transferred")


def test_last_lists_newest_first_without_steps(subject: Subject) -> None:
    for offset_s in (2.0, 0.0, 1.0):
        subject.log.call_started(started(f"call-{offset_s:g}", offset_s=offset_s))
    subject.log.step_done(menu_step("call-2"))
    subject.settle()
    assert [(call.id, call.steps) for call in subject.last(2)] == [("call-2", ()), ("call-1", ())]


def test_refused_call_was_never_answered(subject: Subject) -> None:
    subject.log.call_started(started())
    subject.log.call_ended(replace(ended(), answered_at=None, sip_status=486, end_reason=EndReason.REJECTED))
    subject.settle()
    record = subject.get("call-1")
    assert (record.answered_at, record.sip_status, record.talk_s, record.ring_s) == (None, 486, 0.0, 61.75)
