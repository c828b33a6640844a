"""Agents, calls that wait for them, offers, leases of processes, and what happened."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def _text(name: str, length: int = 64) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    """Create the tables."""
    _create_agents()
    _create_waiting_calls()
    _create_reservations()
    op.create_table(
        "queue_events",
        sa.Column("id", sa.Integer, nullable=False),
        _instant("at"),
        *map(_text, ("kind", "queue", "call_id", "agent")),
        _text("detail", 255),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_queue_events"),
    )
    op.create_index("ix_queue_events_at", "queue_events", ["at"])
    op.create_index("ix_queue_events_queue", "queue_events", ["queue", "at"])


def _create_agents() -> None:
    op.create_table(
        "agents",
        _text("name"),
        _text("sip", 255),
        sa.Column("skills", sa.JSON, nullable=False),
        _text("state"),
        _instant("since_at"),
        _text("reason", 255),
        _instant("until_at", nullable=True),
        sa.Column("then", sa.String(64)),
        _text("queue"),
        *map(_instant, ("idle_since_at", "offered_at")),
        *map(_number, ("offers_made", "calls_taken")),
        sa.PrimaryKeyConstraint("name", name="pk_agents"),
    )


def _create_waiting_calls() -> None:
    op.create_table(
        "waiting_calls",
        *map(_text, ("call_id", "queue")),
        _text("owner", 255),
        *map(_instant, ("arrived_at", "entered_at")),
        _number("priority"),
        sa.Column("skills", sa.JSON, nullable=False),
        _text("state"),
        _instant("connected_at", nullable=True),
        sa.Column("refused_by", sa.JSON, nullable=False),
        _text("callback", 255),
        _number("tries"),
        _instant("not_before_at"),
        sa.PrimaryKeyConstraint("call_id", name="pk_waiting_calls"),
    )
    op.create_index("ix_waiting_calls_owner", "waiting_calls", ["owner"])


def _create_reservations() -> None:
    op.create_table(
        "reservations",
        _text("offer_id", 128),
        *map(_text, ("call_id", "agent")),
        _text("owner", 255),
        _instant("offered_at"),
        sa.PrimaryKeyConstraint("offer_id", name="pk_reservations"),
        sa.ForeignKeyConstraint(["call_id"], ["waiting_calls.call_id"], name="fk_reservations_call_id"),
        sa.ForeignKeyConstraint(["agent"], ["agents.name"], name="fk_reservations_agent"),
    )
    op.create_index("ix_reservations_agent", "reservations", ["agent"], unique=True)
    op.create_index("ix_reservations_call_id", "reservations", ["call_id"])
    op.create_index("ix_reservations_owner", "reservations", ["owner"])
    op.create_table(
        "queue_leases",
        _text("owner", 255),
        _instant("until_at"),
        sa.PrimaryKeyConstraint("owner", name="pk_queue_leases"),
    )


def downgrade() -> None:
    """Drop them."""
    for name in ("queue_events", "queue_leases", "reservations", "waiting_calls", "agents"):
        op.drop_table(name)
