"""Alembic's entry: runs the revisions on the connection, and in the transaction, that `ivr.storage.migrate` opened."""

from __future__ import annotations

from alembic import context

from ivr.storage.indexes import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
)
with context.begin_transaction():
    context.run_migrations()
