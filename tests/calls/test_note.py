"""From the engine's instants to the rows of the record."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ivr.calls.note import CallNotes, Ending
from ivr.flow.commands import NoteStep
from ivr.ports import CallStarted, EndReason
from ivr.testing.call_log import MemoryCallLog
from ivr.testing.clock import DEFAULT_START, ManualClock

pytestmark = pytest.mark.unit


def test_a_record_from_beginning_to_end() -> None:
    clock, log = ManualClock(), MemoryCallLog()
    notes = CallNotes(log, clock, CallStarted("c1", clock.now(), "+4930", "100", "trunk", "shop", "v1", "sip1", "w1"))
    clock.advance(1.5)
    notes.answered()
    clock.advance(2.0)
    notes.answered()
    notes.step(NoteStep("main", "menu", 1001.5, 1003.5, 2, "match", "voice", "Hello.", "sales", "sales", 0.9, "x"))
    notes.step(NoteStep("bye", "say", 1003.5, 1003.5, 1, "done"))
    clock.advance(1.0)
    notes.ended(Ending(EndReason.TRANSFERRED, "agent", 200, 16, "desk"), {"a": 1})
    notes.ended(Ending(EndReason.FAILED, "bot"), {})
    record = log.get("c1")
    assert record.answered_at == DEFAULT_START + timedelta(seconds=1.5)
    assert record.ended_at == DEFAULT_START + timedelta(seconds=4.5)
    assert (record.end_reason, record.ended_by, record.transfer_target, record.hangup_cause) == (
        "transferred", "agent", "desk", 16,
    )  # fmt: skip
    assert record.variables == {"a": 1}
    first, second = record.steps
    assert (first.sequence, second.sequence) == (1, 2)
    assert first.started_at == DEFAULT_START + timedelta(seconds=1.5)
    assert first.ended_at == DEFAULT_START + timedelta(seconds=3.5)
    assert (first.step, first.kind, first.attempt, first.outcome, first.mode, first.prompt) == (
        "main", "menu", 2, "match", "voice", "Hello.",
    )  # fmt: skip
    assert (first.heard, first.meaning, first.confidence, first.detail) == ("sales", "sales", 0.9, "x")
