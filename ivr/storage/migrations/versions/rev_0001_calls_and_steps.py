"""Calls and their steps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def _instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "calls",
        sa.Column("id", sa.String(64), nullable=False),
        _instant("started_at"),
        _instant("answered_at", nullable=True),
        _instant("ended_at", nullable=True),
        *map(_text, ("ani", "dnis", "account", "flow", "flow_version")),
        sa.Column("end_reason", sa.String(32)),
        sa.Column("ended_by", sa.String(32)),
        sa.Column("sip_status", sa.Integer),
        sa.Column("hangup_cause", sa.Integer),
        *map(_text, ("transfer_target", "sip_call_id", "worker")),
        sa.Column("variables", sa.JSON),
        sa.PrimaryKeyConstraint("id", name="pk_calls"),
    )
    op.create_index("ix_calls_started_at", "calls", ["started_at"])
    is_open = sa.text("ended_at IS NULL")
    op.create_index("ix_calls_open", "calls", ["worker"], sqlite_where=is_open, postgresql_where=is_open)
    op.create_table(
        "steps",
        sa.Column("call_id", sa.String(64), nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False, autoincrement=False),
        *map(_text, ("step", "kind")),
        _instant("started_at"),
        _instant("ended_at"),
        sa.Column("attempt", sa.Integer, nullable=False, server_default="1"),
        *map(_text, ("outcome", "mode", "prompt", "heard", "meaning")),
        sa.Column("confidence", sa.Float),
        _text("detail"),
        sa.PrimaryKeyConstraint("call_id", "sequence", name="pk_steps"),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name="fk_steps_call_id", ondelete="CASCADE"),
    )


def downgrade() -> None:
    """Drop both tables."""
    op.drop_table("steps")
    op.drop_table("calls")
