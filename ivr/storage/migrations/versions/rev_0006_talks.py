"""What an agent is told of a waiting call, and what is kept of a talk."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def _text(name: str, length: int = 64) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False)


def _instant(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def upgrade() -> None:
    """Add the column and the table."""
    op.add_column("waiting_calls", sa.Column("context", sa.JSON, nullable=False, server_default="{}"))
    op.create_table(
        "talks",
        _text("talk_id", 128),
        *map(_text, ("call_id", "agent", "queue")),
        *map(_instant, ("began_at", "ended_at")),
        sa.Column("waited_s", sa.Float, nullable=False),
        sa.Column("context", sa.JSON, nullable=False),
        _text("disposition"),
        sa.Column("note", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("talk_id", name="pk_talks"),
    )
    op.create_index("ix_talks_call_id", "talks", ["call_id"])
    op.create_index("ix_talks_agent", "talks", ["agent", "ended_at"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("talks")
    op.drop_column("waiting_calls", "context")
