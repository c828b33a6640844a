"""Reads the answers of surveys back."""

from __future__ import annotations

from sqlalchemy import select

from ivr.ports import AnswerRecord
from ivr.storage.calls import CallRepository
from ivr.storage.entries import ANSWER_FIELDS
from ivr.storage.schema import survey_answers


def answers_of(repository: CallRepository, survey: str | None = None) -> list[AnswerRecord]:
    """Every answer of a survey, or of all, oldest call first. Raises StorageError, NoDatabaseYet."""
    table = survey_answers
    every = select(table).order_by(table.c.survey, table.c.call_id, table.c.sequence)
    rows = repository.rows(every if survey is None else every.where(table.c.survey == survey))
    return [AnswerRecord(**{name: getattr(row, name) for name in ANSWER_FIELDS}) for row in rows]
