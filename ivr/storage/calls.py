"""Reads call records back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from types import TracebackType

from sqlalchemy import Connection, Row, func, select
from sqlalchemy.exc import SQLAlchemyError

from ivr.calls.record import CALL_FIELDS, CallRecord, StepLine, TalkLine
from ivr.errors import StorageError
from ivr.storage.database import masked_url, open_engine, parse_url, reason, sqlite_file
from ivr.storage.migrate import is_usable
from ivr.storage.queue_schema import talks
from ivr.storage.schema import calls, steps
from ivr.storage.video_members import KIND as VIDEO
from ivr.storage.video_members import member_of, members_of, with_members

_SHOWN_MATCHES = 5
_Row = Row[tuple[object, ...]]
_STEP_FIELDS = tuple(field.name for field in fields(StepLine))
_TALK_FIELDS = tuple(field.name for field in fields(TalkLine))


class NoDatabaseYet(StorageError):
    """No call was ever recorded there."""


class CallNotFound(StorageError):
    """No call, or more than one, has such an id."""


class CallRepository:
    """The calls of one database. Creates nothing and changes nothing there."""

    def __init__(self, url: str) -> None:
        """Raises StorageError for a URL that cannot be used."""
        self._url = parse_url(url)
        self._engine = open_engine(self._url).execution_options(reads_only=True)

    @property
    def address(self) -> str:
        """The database's URL without secrets."""
        return masked_url(self._url)

    @property
    def is_sqlite(self) -> bool:
        """Whether it speaks the dialect of SQLite."""
        return self._url.get_backend_name() == "sqlite"

    def last(self, limit: int) -> list[CallRecord]:
        """The newest calls, newest first, without their steps. Raises StorageError, NoDatabaseYet."""
        newest = select(calls).order_by(calls.c.started_at.desc(), calls.c.id.desc()).limit(limit)
        return [record_of(row) for row in self.rows(newest)]

    def get(self, call_id: str) -> CallRecord:
        """The call with that id, or with the only id that begins so, with its steps and talks.

        Raises CallNotFound (nothing, or several), StorageError, NoDatabaseYet.
        """
        row = self._row(call_id)
        own = select(steps).where(steps.c.call_id == row.id).order_by(steps.c.sequence)
        its_talks = select(talks).where(talks.c.call_id == row.id).order_by(talks.c.began_at, talks.c.talk_id)
        record = record_of(row, self.rows(own), self.rows(its_talks))
        if not any(step.kind == VIDEO for step in record.steps):
            return record
        return with_members(record, [member_of(each) for each in self.rows(members_of(row.id))])

    def lines_of_flow(self, flow: str, since: datetime | None = None) -> list[tuple[str, str, str]]:
        """Call, step and kind of every recorded line of a flow's calls that began since then: call by call, in order.

        Raises StorageError, NoDatabaseYet.
        """
        chosen = (
            select(steps.c.call_id, steps.c.step, steps.c.kind)
            .join(calls, calls.c.id == steps.c.call_id)
            .where(calls.c.flow == flow)
            .order_by(steps.c.call_id, steps.c.sequence)
        )
        rows = self.rows(chosen if since is None else chosen.where(calls.c.started_at >= since))
        return [(str(row.call_id), str(row.step), str(row.kind)) for row in rows]

    def count_since(self, since: datetime) -> dict[tuple[str, str], int]:
        """Calls that came in since an instant, by flow and version. Raises StorageError, NoDatabaseYet."""
        by_flow = (
            select(calls.c.flow, calls.c.flow_version, func.count().label("number"))
            .where(calls.c.started_at >= since)
            .group_by(calls.c.flow, calls.c.flow_version)
        )
        return {(row.flow, row.flow_version): int(row.number) for row in self.rows(by_flow)}

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def __enter__(self) -> CallRepository:
        """The repository."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def _row(self, call_id: str) -> _Row:
        exact = self.rows(select(calls).where(calls.c.id == call_id))
        if exact:
            return exact[0]
        if not call_id:
            raise CallNotFound("say which call: `ivr calls` lists the ids", retryable=False)
        begins = (
            select(calls).where(calls.c.id.startswith(call_id, autoescape=True)).order_by(calls.c.started_at.desc())
        )
        found = self.rows(begins.limit(_SHOWN_MATCHES + 1))
        if not found:
            raise CallNotFound(f"no call {call_id!r} in {self.address}; `ivr calls` lists the ids", retryable=False)
        if len(found) > 1:
            shown = ", ".join(row.id for row in found[:_SHOWN_MATCHES])
            more = ", …" if len(found) > _SHOWN_MATCHES else ""
            raise CallNotFound(
                f"{call_id!r} is the beginning of several calls: {shown}{more}; write more of the id", retryable=False
            )
        return found[0]

    def rows(self, statement: object) -> Sequence[_Row]:
        """Rows of a SELECT. Raises StorageError, NoDatabaseYet."""
        file = sqlite_file(self._url)
        if file is not None and not file.exists():
            raise NoDatabaseYet(f"no call was recorded yet: {file} does not exist", retryable=False)
        try:
            with self._engine.connect() as connection:
                self._check_schema(connection)
                return connection.execute(statement).all()  # type: ignore[call-overload, no-any-return]
        except SQLAlchemyError as error:
            raise StorageError(
                f"cannot read {self.address}: {reason(self._url, error)}; start the database or correct database.url"
            ) from error

    def _check_schema(self, connection: Connection) -> None:
        if not is_usable(connection, self.address):
            raise NoDatabaseYet(f"no call was recorded yet in {self.address}", retryable=False)


def record_of(row: _Row, lines: Sequence[_Row] = (), spoken: Sequence[_Row] = ()) -> CallRecord:
    """A row of `calls` as a record, with the rows of its steps and of its talks."""
    values = {name: getattr(row, name) for name in CALL_FIELDS}
    values |= {name: values[name] or {} for name in ("variables", "tags")}
    return CallRecord(**values, steps=tuple(map(_step, lines)), talks=tuple(map(_talk, spoken)))


def _step(row: _Row) -> StepLine:
    return StepLine(**{name: getattr(row, name) for name in _STEP_FIELDS})


def _talk(row: _Row) -> TalkLine:
    return TalkLine(**{name: getattr(row, name) for name in _TALK_FIELDS})
