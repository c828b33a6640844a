"""The bot's own record of a call as the truth about what was said and done: read while the call lasts, and compared."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from ivr.calls.record import CallRecord, StepLine, timeline
from ivr.errors import StorageError
from ivr.flow.commands import NoteStep
from ivr.storage.calls import CallRepository
from ivr.testing.conversation import Turn

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
        wanted, got = _shown(note), _shown(line)
        if wanted != got:
            return Mismatch(index, wanted, got)
    return None


def _shown(line: NoteStep | StepLine) -> str:
    """What must be equal; what was heard exactly, and how well, may differ."""
    said = f', after "{line.prompt}"' if line.prompt else ""
    meaning = f" → {line.meaning}" if line.meaning else ""
    attempt = f" (attempt {line.attempt})" if line.attempt > 1 else ""
    mode = f" by {line.mode}" if line.mode else ""
    return f"step {line.step}: {line.kind}: {line.outcome}{meaning}{mode}{attempt}{said}"


class LiveRecord:
    """The newest call in the bot's database."""

    def __init__(self, repository: CallRepository) -> None:
        self._repository = repository
        self._before: set[str] = set()

    async def begin(self) -> None:
        """A call is about to be made: those that are there are others."""
        self._before = {record.id for record in await self._last()}

    async def read(self) -> CallRecord | None:
        """As far as it is written."""
        own = [record for record in await self._last() if record.id not in self._before]
        if not own:
            return None
        return await asyncio.to_thread(self._repository.get, own[-1].id)

    async def _last(self) -> list[CallRecord]:
        try:
            return await asyncio.to_thread(self._repository.last, 20)
        except StorageError:  # nothing is written yet
            return []

    async def wait_lines(self, count: int, within_s: float) -> CallRecord | None:
        """The record once it has so many lines; what there is of it when the time is over."""
        deadline_s = time.monotonic() + within_s
        while True:
            record = await self.read()
            lines = len(record.steps) if record else 0
            if lines >= count or time.monotonic() > deadline_s or (record is not None and record.ended_at):
                return record
            await asyncio.sleep(POLL_S)

    async def wait_end(self, within_s: float) -> CallRecord | None:
        """The record once it is closed; what there is of it when the time is over."""
        deadline_s = time.monotonic() + within_s
        while (record := await self.read()) is None or record.ended_at is None:
            if time.monotonic() > deadline_s:
                return record
            await asyncio.sleep(POLL_S)
        return record


def turns_of(record: CallRecord | None) -> tuple[Turn, ...]:
    """The record as a conversation."""
    if record is None:
        return ()
    return tuple(Turn(line.who, line.text, line.offset_s, line.step) for line in timeline(record))
