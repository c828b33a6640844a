"""The tables of call records and of the desk. Every change here needs a migration beside it.

An index that is written in a dialect's own terms stands in `ivr.storage.indexes`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: stored as UTC, UTC-aware when it comes back (SQLite keeps no zone, PostgreSQL has its own)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """UTC; without a zone for SQLite, whose text must sort by time. Refuses naive instants."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant without a time zone cannot be stored")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """UTC-aware."""
        if value is None:
            return None
        instant: datetime = value
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="")


calls = Table(
    "calls",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("started_at", UtcDateTime, nullable=False),
    Column("answered_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    _text("ani"),
    _text("dnis"),
    _text("account"),
    _text("flow"),
    _text("flow_version"),
    Column("end_reason", String(32)),
    Column("ended_by", String(32)),
    Column("sip_status", Integer),
    Column("hangup_cause", Integer),
    _text("transfer_target"),
    Column("rtp_loss", Float),
    Column("rtp_jitter_ms", Float),
    Column("mos", Float),
    _text("sip_call_id"),
    _text("worker"),
    Column("variables", JSON(none_as_null=True)),
    Column("tags", JSON(none_as_null=True)),
)
Index("ix_calls_started_at", calls.c.started_at)

steps = Table(
    "steps",
    metadata,
    Column("call_id", String(64), ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    _text("step"),
    _text("kind"),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime, nullable=False),
    Column("attempt", Integer, nullable=False, server_default="1"),
    _text("outcome"),
    _text("mode"),
    _text("prompt"),
    _text("heard"),
    _text("meaning"),
    Column("confidence", Float),
    _text("detail"),
)

survey_answers = Table(
    "survey_answers",
    metadata,
    Column("call_id", String(64), ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    _text("survey"),
    _text("question"),
    Column("asked_at", UtcDateTime, nullable=False),
    _text("outcome"),
    _text("mode"),
    Column("answer", JSON(none_as_null=True)),
    Column("confidence", Float),
)
Index("ix_survey_answers_survey", survey_answers.c.survey, survey_answers.c.asked_at)

users = Table(
    "users",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("password_hash", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("language", String(8), nullable=False, server_default=""),
    Column("created_at", UtcDateTime, nullable=False),
)

web_sessions = Table(
    "web_sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("user_name", String(64), ForeignKey("users.name", ondelete="CASCADE"), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)
Index("ix_web_sessions_user_name", web_sessions.c.user_name)
