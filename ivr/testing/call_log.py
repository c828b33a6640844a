"""A call log in memory with the behavior of the real one: repeated and early records double and lose nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

from ivr.calls.record import CallRecord, StepLine
from ivr.ports import AnswerRecord, CallEnded, CallStarted, StepRecord


@dataclass
class MemoryCallLog:
    """Implements `CallLog`; read it with `get` and `last`."""

    calls: dict[str, CallRecord] = field(default_factory=dict)
    answers: list[AnswerRecord] = field(default_factory=list)
    """Of surveys."""

    def call_started(self, call: CallStarted) -> None:
        """Open the record."""
        known = self.calls.get(call.call_id, CallRecord(call.call_id, call.started_at))
        self.calls[call.call_id] = replace(known, **_values(call))

    def step_done(self, step: StepRecord) -> None:
        """Add a step; a repeated one changes nothing."""
        known = self.calls.setdefault(step.call_id, CallRecord(step.call_id, step.started_at))
        lines = {line.sequence: line for line in known.steps}
        lines.setdefault(step.sequence, StepLine(**_values(step)))
        self.calls[step.call_id] = replace(known, steps=tuple(lines[sequence] for sequence in sorted(lines)))

    def answer_given(self, answer: AnswerRecord) -> None:
        """Add an answer of a survey; a repeated one changes nothing."""
        if not any((known.call_id, known.sequence) == (answer.call_id, answer.sequence) for known in self.answers):
            self.answers.append(answer)

    def call_ended(self, call: CallEnded) -> None:
        """Close the record."""
        known = self.calls.get(call.call_id, CallRecord(call.call_id, call.answered_at or call.ended_at))
        values = {
            **_values(call),
            "variables": dict(call.variables),
            "tags": dict(call.tags),
            "end_reason": call.end_reason.value,
        }
        self.calls[call.call_id] = replace(known, **values)

    def get(self, call_id: str) -> CallRecord:
        """The call with its steps. Raises KeyError."""
        return self.calls[call_id]

    def last(self, limit: int) -> list[CallRecord]:
        """The newest calls, newest first, without their steps."""
        newest = sorted(self.calls.values(), key=lambda call: (call.started_at, call.id), reverse=True)
        return [replace(call, steps=()) for call in newest[:limit]]


def _values(record: CallStarted | StepRecord | CallEnded) -> dict[str, Any]:
    return {item.name: getattr(record, item.name) for item in fields(record) if item.name != "call_id"}
