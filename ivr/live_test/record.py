"""The bot's own record of a call as the truth about what was said and done: read while the call lasts, and compared."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ivr.calls.record import MASK, CallRecord, StepLine, timeline
from ivr.errors import StorageError
from ivr.flow.commands import NoteStep
from ivr.storage.calls import CallRepository
from ivr.testing.turns import Turn

POLL_S = 0.15


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The first line in which a record is not as on virtual time."""

    index: int
    expected: str
    found: str


def compare(expected: Sequence[NoteStep], found: Sequence[StepLine]) -> Mismatch | None:
    """The first difference between what was to happen and what did, as far as both go."""
    for index, (note, line) in enumerate(zip(expected, found, strict=False)):
        wanted, got = shown(note), shown(line)
        if wanted != got:
            return Mismatch(index, wanted, got)
    return None


def shown(line: NoteStep | StepLine) -> str:
    """What must be equal; what was heard exactly, and how well, may differ, and so may the names of recordings."""
    said = f', after "{line.prompt}"' if line.prompt else ""
    meaning = f" → {line.meaning}" if line.meaning and line.kind != "record" else ""
    attempt = f" (attempt {line.attempt})" if line.attempt > 1 else ""
    mode = f" by {line.mode}" if line.mode else ""
    return f"step {line.step}: {line.kind}: {line.outcome}{meaning}{mode}{attempt}{said}"


def is_kept_as(kept: object, wanted: object) -> bool:
    """Whether a record has this value, as far as a record keeps values."""
    return kept in (MASK, json.loads(json.dumps(wanted, default=str)))


class LiveRecord:
    """A call in the bot's database."""

    def __init__(self, repository: CallRepository, call_id: str | None) -> None:
        """None for a call that the bot did not take up."""
        self._repository, self._call_id = repository, call_id

    async def read(self) -> CallRecord | None:
        """As far as it is written."""
        if self._call_id is None:
            return None
        try:
            return await asyncio.to_thread(self._repository.get, self._call_id)
        except StorageError:  # nothing is written yet
            return None

    async def wait_lines(self, expected: Sequence[NoteStep], within_s: float) -> CallRecord | None:
        """The record once it has as many lines, or one that differs, or is closed; else what there is of it."""

        def is_far_enough(record: CallRecord) -> bool:
            is_over = len(record.steps) >= len(expected) or record.ended_at is not None
            return is_over or compare(expected, record.steps) is not None

        return await self._wait(is_far_enough, within_s)

    async def wait_end(self, within_s: float) -> CallRecord | None:
        """The record once it is closed; what there is of it when the time is over."""
        return await self._wait(lambda record: record.ended_at is not None, within_s)

    async def _wait(self, condition: Callable[[CallRecord], bool], within_s: float) -> CallRecord | None:
        if self._call_id is None:
            return None
        deadline_s = time.monotonic() + within_s
        while (record := await self.read()) is None or not condition(record):
            if time.monotonic() > deadline_s:
                return record
            await asyncio.sleep(POLL_S)
        return record


def turns_of(record: CallRecord | None) -> tuple[Turn, ...]:
    """The record as a conversation."""
    if record is None:
        return ()
    return tuple(Turn(line.who, line.text, line.offset_s, line.step) for line in timeline(record))


def turns_until(record: CallRecord, line_index: int) -> int:
    """How many turns there are up to a line of the record, the line included."""
    if line_index >= len(record.steps):
        return len(turns_of(record))
    ended_s = (record.steps[line_index].ended_at - record.started_at).total_seconds()
    return sum(turn.at_s <= ended_s + 0.001 for turn in turns_of(record))
