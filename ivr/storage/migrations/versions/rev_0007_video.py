"""Video rooms in use, the links to them, and who was there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(64), nullable=False)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _to_visit(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_visit"
    return sa.ForeignKeyConstraint(["visit"], ["video_visits.visit"], name=name, ondelete="CASCADE")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "video_visits",
        *map(_text, ("visit", "call_id", "room")),
        sa.Column("number", sa.Integer, nullable=False),
        *map(_instant, ("opened_at", "heard_at")),
        _instant("closed_at", nullable=True),
        sa.PrimaryKeyConstraint("visit", name="pk_video_visits"),
    )
    op.create_index("ix_video_visits_call_id", "video_visits", ["call_id"])
    op.create_index("ix_video_visits_heard_at", "video_visits", ["heard_at"])
    op.create_table(
        "video_links",
        *map(_text, ("token_hash", "visit")),
        _instant("expires_at"),
        _instant("used_at", nullable=True),
        sa.PrimaryKeyConstraint("token_hash", name="pk_video_links"),
        _to_visit("video_links"),
    )
    op.create_table(
        "video_members",
        *map(_text, ("member_hash", "visit", "who")),
        *map(_instant, ("joined_at", "seen_at")),
        _instant("left_at", nullable=True),
        sa.PrimaryKeyConstraint("member_hash", name="pk_video_members"),
        _to_visit("video_members"),
    )
    op.create_index("ix_video_members_visit", "video_members", ["visit"])


def downgrade() -> None:
    """Drop them."""
    for name in ("video_members", "video_links", "video_visits"):
        op.drop_table(name)
