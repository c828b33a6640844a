"""Writes entries as rows. A write may be repeated, and may come in any order: it doubles and undoes nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Table, func, select

from ivr.ports import EndReason
from ivr.storage.entries import (
    ANSWER_FIELDS,
    ANSWER_GIVEN,
    CALL_ENDED,
    CALL_STARTED,
    ENDED_FIELDS,
    STARTED_FIELDS,
    STEP_FIELDS,
    Entry,
    instants_parsed,
)
from ivr.storage.schema import calls, steps, survey_answers


def write_entries(connection: Connection, entries: Sequence[Entry]) -> None:
    """Write in order. Raises what SQLAlchemy raises."""
    for entry in entries:
        if entry["record"] == CALL_STARTED:
            _write_call(connection, instants_parsed(entry, STARTED_FIELDS))
        elif entry["record"] == CALL_ENDED:
            _write_end(connection, instants_parsed(entry, ENDED_FIELDS))
        elif entry["record"] == ANSWER_GIVEN:
            _write_once(connection, survey_answers, instants_parsed(entry, ANSWER_FIELDS), "asked_at")
        else:
            _write_once(connection, steps, instants_parsed(entry, STEP_FIELDS), "started_at")


def close_lost_calls(connection: Connection, worker: str, own_call_ids: Collection[str]) -> int:
    """Close the worker's calls that nobody will end any more, except `own_call_ids`; how many there were.

    They end at their last sign of life, because nobody saw the real end.
    """
    last_step_at = select(func.max(steps.c.ended_at)).where(steps.c.call_id == calls.c.id).scalar_subquery()
    is_open = (calls.c.worker == worker) & calls.c.ended_at.is_(None)
    found = connection.execute(select(calls.c.id, calls.c.started_at, last_step_at.label("seen_at")).where(is_open))
    lost = [row for row in found.all() if row.id not in own_call_ids]
    for row in lost:
        end = {"ended_at": row.seen_at or row.started_at, "end_reason": EndReason.LOST.value, "ended_by": "bot"}
        connection.execute(calls.update().where(calls.c.id == row.id, calls.c.ended_at.is_(None)).values(end))
    return len(lost)


def _write_call(connection: Connection, values: Entry) -> None:
    call_id = values.pop("call_id")
    statement = insert_for(connection, calls).values(id=call_id, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=[calls.c.id], set_=values))


def _write_end(connection: Connection, values: Entry) -> None:
    call_id = values.pop("call_id")
    # The start is absent when a full spool dropped it; the end is still worth keeping.
    started_at = values.get("answered_at") or values.get("ended_at")
    statement = insert_for(connection, calls).values(id=call_id, started_at=started_at, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=[calls.c.id], set_=values))


def _write_once(connection: Connection, table: Table, values: Entry, instant: str) -> None:
    """A row that belongs to a call, which may be unknown yet; one that is there already stays as it is."""
    placeholder = insert_for(connection, calls).values(id=values.get("call_id"), started_at=values.get(instant))
    connection.execute(placeholder.on_conflict_do_nothing(index_elements=[calls.c.id]))
    statement = insert_for(connection, table).values(values)
    connection.execute(statement.on_conflict_do_nothing(index_elements=[table.c.call_id, table.c.sequence]))


def insert_for(connection: Connection, table: Table) -> Any:
    """INSERT … ON CONFLICT has the same shape in both dialects, and no common type."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)
