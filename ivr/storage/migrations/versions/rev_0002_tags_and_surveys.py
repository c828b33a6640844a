"""Tags of calls, and answers of surveys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def upgrade() -> None:
    """Add the column and the table."""
    op.add_column("calls", sa.Column("tags", sa.JSON))
    op.create_table(
        "survey_answers",
        sa.Column("call_id", sa.String(64), nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False, autoincrement=False),
        *map(_text, ("survey", "question")),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        *map(_text, ("outcome", "mode")),
        sa.Column("answer", sa.JSON),
        sa.Column("confidence", sa.Float),
        sa.PrimaryKeyConstraint("call_id", "sequence", name="pk_survey_answers"),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name="fk_survey_answers_call_id", ondelete="CASCADE"),
    )
    op.create_index("ix_survey_answers_survey", "survey_answers", ["survey", "asked_at"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("survey_answers")
    op.drop_column("calls", "tags")
