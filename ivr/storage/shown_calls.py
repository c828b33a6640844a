"""Call records as the desk shows them: pages of a list, and figures of a day that the database adds up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from ivr.calls.record import CallRecord
from ivr.ports.desk import DayFigures, FlowFigures
from ivr.storage.calls import CallNotFound, CallRepository, NoDatabaseYet, record_of
from ivr.storage.schema import calls

_NEWEST_FIRST = (calls.c.started_at.desc(), calls.c.id.desc())


class ShownCalls:
    """The `RecordedCalls` of one database. Where no call was recorded yet there are none."""

    def __init__(self, url: str) -> None:
        """Raises StorageError for a URL that cannot be used."""
        self._repository = CallRepository(url)

    def close(self) -> None:
        """Close the connections."""
        self._repository.close()

    def day(self, hours: Sequence[datetime]) -> DayFigures:
        """Figures of the calls since the first instant, counted by the hours that begin at these."""
        hour = case(*((calls.c.started_at < end, index) for index, end in enumerate(hours[1:])), else_=len(hours) - 1)
        is_answered = calls.c.answered_at.is_not(None)
        is_talk = is_answered & calls.c.ended_at.is_not(None)
        counted = (
            select(
                hour.label("hour"),
                calls.c.flow,
                func.count().label("calls"),
                _count(is_answered).label("answered"),
                _count(calls.c.end_reason == "transferred").label("transferred"),
                _count(is_talk).label("ended"),
                func.sum(case((is_talk, self._talk_s()), else_=0.0)).label("talk_s"),
            )
            .where(calls.c.started_at >= hours[0])
            .group_by(hour, calls.c.flow)
        )
        return _day(self._rows(counted), len(hours))

    def in_progress(self, since: datetime, limit: int) -> list[CallRecord]:
        """Calls that began since then and have not ended, newest first."""
        is_open = (calls.c.started_at >= since) & calls.c.ended_at.is_(None)
        return self._records(select(calls).where(is_open).order_by(*_NEWEST_FIRST).limit(limit))

    def page(self, limit: int, before: str = "") -> list[CallRecord]:
        """Calls, newest first; those before a call, by its id."""
        chosen = select(calls).order_by(*_NEWEST_FIRST).limit(limit)
        if not before:
            return self._records(chosen)
        start = select(calls.c.started_at).where(calls.c.id == before).scalar_subquery()
        is_older = or_(calls.c.started_at < start, and_(calls.c.started_at == start, calls.c.id < before))
        return self._records(chosen.where(is_older))

    def get(self, call_id: str) -> CallRecord | None:
        """One call with its steps."""
        try:
            found = self._repository.get(call_id)
        except (CallNotFound, NoDatabaseYet):
            return None
        return found if found.id == call_id else None

    def _talk_s(self) -> ColumnElement[Any]:
        if self._repository.is_sqlite:
            return (func.julianday(calls.c.ended_at) - func.julianday(calls.c.answered_at)) * 86_400.0
        return func.extract("epoch", calls.c.ended_at - calls.c.answered_at)

    def _records(self, statement: object) -> list[CallRecord]:
        return [record_of(row) for row in self._rows(statement)]

    def _rows(self, statement: object) -> Sequence[Any]:
        try:
            return self._repository.rows(statement)
        except NoDatabaseYet:
            return ()


def _count(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.sum(case((condition, 1), else_=0))


def _day(rows: Sequence[Any], hours: int) -> DayFigures:
    by_hour, by_flow = [0] * hours, defaultdict[str, list[float]](lambda: [0.0] * 5)
    for row in rows:
        by_hour[row.hour] += row.calls
        counted = (row.calls, row.answered, row.transferred, float(row.talk_s), row.ended)
        by_flow[row.flow] = [sum(pair) for pair in zip(by_flow[row.flow], counted, strict=True)]
    figures = [
        FlowFigures(flow, int(count), int(answered), int(transferred), talk_s, int(ended))
        for flow, (count, answered, transferred, talk_s, ended) in by_flow.items()
    ]
    return DayFigures(tuple(by_hour), tuple(sorted(figures, key=lambda each: (-each.calls, each.flow))))
