"""Indexes in the dialects' own terms: naming a dialect loads it, and a helper on SQLite needs no PostgreSQL (3 MB).

What compares or migrates schemas takes `metadata` from here, so that it is complete.
"""

from __future__ import annotations

from sqlalchemy import Index, text

from ivr.storage import queue_schema, schema

metadata = queue_schema.agents.metadata
"""That of `ivr.storage.schema`, with the tables of queues in it."""

Index(
    "ix_calls_open",
    schema.calls.c.worker,
    sqlite_where=text("ended_at IS NULL"),
    postgresql_where=text("ended_at IS NULL"),
)
