"""What was lost of the callers' audio, and what it must have sounded like."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_NAMES = ("rtp_loss", "rtp_jitter_ms", "mos")


def upgrade() -> None:
    """Add the columns."""
    for name in _NAMES:
        op.add_column("calls", sa.Column(name, sa.Float))


def downgrade() -> None:
    """Drop them."""
    for name in reversed(_NAMES):
        op.drop_column("calls", name)
