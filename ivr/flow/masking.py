"""What stands for a sensitive value wherever something is written down."""

from __future__ import annotations

MASK = "***"
