"""What a record of a real call has to have in common with the same call on virtual time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ivr.calls.record import CallRecord, StepLine
from ivr.flow.commands import NoteStep
from ivr.live_test.record import compare, is_kept_as, turns_of, turns_until

pytestmark = pytest.mark.unit

BEGAN_AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def line(step: str, ended_s: float, **values: object) -> StepLine:
    begin, end = BEGAN_AT + timedelta(seconds=ended_s - 1), BEGAN_AT + timedelta(seconds=ended_s)
    whole = StepLine(0, step, "menu", begin, end, 1, "match", "speech", f"Prompt of {step}.", "yes", "yes", 0.9)
    return replace(whole, **values)  # type: ignore[arg-type]


def note(step: str, **values: object) -> NoteStep:
    whole = NoteStep(step, "menu", 0.0, 1.0, 1, "match", "speech", f"Prompt of {step}.", "yes please", "yes", 0.4)
    return replace(whole, **values)  # type: ignore[arg-type]


def test_how_well_something_was_heard_is_no_difference() -> None:
    assert compare([note("one"), note("two")], [line("one", 1), line("two", 3)]) is None


@pytest.mark.parametrize("values", [{"outcome": "no_match"}, {"meaning": "no"}, {"mode": "dtmf"}, {"prompt": "Other."}])
def test_what_came_of_it_is(values: dict[str, object]) -> None:
    found = compare([note("one"), note("two")], [line("one", 1), line("two", 3, **values)])
    assert found is not None and found.index == 1


def test_the_names_of_recordings_are_not_compared() -> None:
    expected, found = note("one", kind="record", meaning="one-1.wav"), line("one", 1, kind="record", meaning="x.wav")
    assert compare([expected], [found]) is None


@pytest.mark.parametrize(
    ("kept", "wanted"), [("4712", "4712"), ("***", "4712"), ([1, {"a": 2}], (1, {"a": 2})), (None, None)]
)
def test_a_value_is_kept_as_a_record_can_keep_it(kept: object, wanted: object) -> None:
    assert is_kept_as(kept, wanted)
    assert not is_kept_as("other", wanted)


def test_a_conversation_is_shown_up_to_the_line_that_differs() -> None:
    record = CallRecord("1", BEGAN_AT, steps=(line("one", 2), line("two", 4), line("three", 6)))
    until = turns_until(record, 1)
    assert [turn.step for turn in turns_of(record)[:until]][-2:] == ["two", "two"]
    assert turns_until(record, 3) == len(turns_of(record))
